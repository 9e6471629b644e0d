"""The callbacks, each in its real framework: records, sums, errors, early stopping."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shells import isolate, quick_device

from jupyter_green.devices.device import Found
from jupyter_green.errors import TrainingError
from jupyter_green.ledger import read_ledger
from jupyter_green.records import Record
from jupyter_green.session import Session
from jupyter_green.settings import resolve_settings
from jupyter_green.training import EarlyStopping

os.environ.setdefault("KERAS_BACKEND", "torch")
# What the frameworks themselves warn of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")
NOT_HERE = "comes with `pip install --group training`"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give a session with one simulated device of 100 W."""
    isolate(tmp_path, monkeypatch, HF_HOME=str(tmp_path / "hf"))
    opened = Session(
        resolve_settings({"ledger": str(tmp_path / "ledger")}),
        find_devices=lambda _: Found((quick_device(),), ()),
    )
    try:
        yield opened
    finally:
        opened.close()


def stored(session: Session) -> list[Record]:
    """Return what the ledger has."""
    session.settle()
    session.ledger.flush()
    return list(read_ledger([session.folder]).records)


def checked_parts(session: Session, count: int, name: str = "epoch") -> list[Record]:
    """Return the rounds of a training, checked against the record around them."""
    records = stored(session)
    (whole,) = (r for r in records if r.parent is None)
    parts = [r for r in records if r.parent is not None]
    parts.sort(key=lambda r: r.metrics[name])
    assert {r.parent for r in parts} == {whole.id}
    assert [r.metrics[name] for r in parts] == list(range(1, count + 1))
    assert whole.energy_j is not None
    summed_j = sum(r.energy_j or math.nan for r in parts)
    # The whole has what lies between the parts, too: at 100 W.
    between_j = 100.0 * (whole.duration_s - sum(r.duration_s for r in parts))
    # Errors of one sign add up; the bounds must hold each time, not in 95 of 100.
    random_j = sum(r.uncertainty_random_j or 0.0 for r in (whole, *parts))
    assert abs(whole.energy_j - summed_j - between_j) <= random_j
    assert session.meter.open_windows == ()
    return parts


# Lightning.


class _Lit:
    """A tiny Lightning training; made when Lightning is there."""

    def __init__(self, fail_at: int | None = None) -> None:
        import lightning.pytorch as pl  # noqa: PLC0415
        import torch  # noqa: PLC0415

        class Model(pl.LightningModule):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = torch.nn.Linear(4, 1)

            def training_step(self, batch: Any, _: int) -> Any:
                if fail_at is not None and self.current_epoch == fail_at:
                    raise ValueError("diverged")
                loss = self.layer(batch[0]).square().mean()
                self.log("loss", loss, on_epoch=True, on_step=False)
                return loss

            def validation_step(self, batch: Any, _: int) -> None:
                self.log("val_acc", 0.0 * batch[0].sum() + 0.5)

            def configure_optimizers(self) -> Any:
                return torch.optim.SGD(self.parameters(), lr=0.01)

        rows = torch.utils.data.TensorDataset(torch.randn(16, 4))
        self.data = torch.utils.data.DataLoader(rows, batch_size=4)
        self.model = Model()
        self.pl = pl

    def fit(self, callback: Any, folder: Path, epochs: int = 4, **options: Any) -> None:
        """Train."""
        trainer = self.pl.Trainer(
            max_epochs=epochs,
            **options,
            callbacks=[callback],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
            default_root_dir=folder,
        )
        trainer.fit(self.model, self.data, self.data)


def test_lightning_epochs_are_records(session: Session, tmp_path: Path):
    """With what was logged, validation included."""
    pytest.importorskip("lightning", reason=NOT_HERE)
    from jupyter_green.training.lightning import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, tell=False)
    _Lit().fit(callback, tmp_path)
    parts = checked_parts(session, 4)
    assert {"loss", "val_acc"} <= parts[0].metrics.keys()
    assert callback.rounds.forecast(8).total == 8


def test_lightning_steps_are_records(session: Session, tmp_path: Path):
    """Four steps an epoch, three epochs, five steps to a record: 5, 5 and 2."""
    pytest.importorskip("lightning", reason=NOT_HERE)
    from jupyter_green.training.lightning import EnergyCallback  # noqa: PLC0415

    _Lit().fit(EnergyCallback(session=session, steps=5, tell=False), tmp_path, 3)
    parts = checked_parts(session, 3, "step")
    assert [r.metrics["steps"] for r in parts] == [5.0, 5.0, 2.0]


def test_lightning_steps_are_batches_whatever_the_optimiser_gathers(
    session: Session, tmp_path: Path
):
    """Three epochs of four batches are twelve, though an optimiser steps six times."""
    pytest.importorskip("lightning", reason=NOT_HERE)
    from jupyter_green.training.lightning import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, steps=4, tell=False)
    _Lit().fit(callback, tmp_path, 3, accumulate_grad_batches=2)
    checked_parts(session, 3, "step")
    assert callback.rounds.total == 3
    assert callback.rounds.forecast().done == 3


def test_lightning_stops_early(session: Session, tmp_path: Path):
    """A quality that stays is not worth going on: after patience and one."""
    pytest.importorskip("lightning", reason=NOT_HERE)
    from jupyter_green.training.lightning import EnergyCallback  # noqa: PLC0415

    stop = EarlyStopping("val_acc", patience=2)
    _Lit().fit(EnergyCallback(session=session, stop=stop, tell=False), tmp_path, 9)
    checked_parts(session, 3)


def test_an_error_in_lightning_ends_what_runs(session: Session, tmp_path: Path):
    """And the epoch that failed says so."""
    pytest.importorskip("lightning", reason=NOT_HERE)
    from jupyter_green.training.lightning import EnergyCallback  # noqa: PLC0415

    with pytest.raises(ValueError, match="diverged"):
        _Lit(fail_at=2).fit(EnergyCallback(session=session, tell=False), tmp_path)
    assert session.meter.open_windows == ()
    statuses = sorted(r.status for r in stored(session) if r.parent)
    assert statuses == ["error", "ok", "ok"]


# Keras.


def keras_model() -> Any:
    """Return a tiny compiled model."""
    keras = pytest.importorskip("keras", reason=NOT_HERE)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return model


X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("float32")


def test_keras_epochs_are_records(session: Session):
    """With the logs, those of the validation among them."""
    model = keras_model()
    from jupyter_green.training.keras import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, tell=False)
    options = {"epochs": 3, "verbose": 0, "validation_data": (X, Y)}
    model.fit(X, Y, callbacks=[callback], **options)
    parts = checked_parts(session, 3)
    assert {"loss", "val_loss"} <= parts[0].metrics.keys()


def test_keras_steps_are_records(session: Session):
    """Four batches an epoch, two epochs, four to a record."""
    model = keras_model()
    from jupyter_green.training.keras import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, steps=4, tell=False)
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=[callback])
    checked_parts(session, 2, "step")
    assert callback.rounds.total == 2


def test_keras_steps_are_counted_on_over_epochs_and_resumed_trainings(
    session: Session,
):
    """Four batches an epoch, eight to a record: two epochs to each, four behind it."""
    model = keras_model()
    from jupyter_green.training.keras import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, steps=8, tell=False)
    fit = {"batch_size": 8, "verbose": 0, "callbacks": [callback]}
    model.fit(X, Y, epochs=6, **fit)
    assert [r.metrics["step"] for r in callback.rounds.records] == [1.0, 2.0, 3.0]
    assert callback.rounds.total == 3
    model.fit(X, Y, epochs=10, initial_epoch=4, **fit)
    assert [r.metrics["step"] for r in callback.rounds.records] == [3.0, 4.0, 5.0]
    assert callback.rounds.total == 3


def test_keras_stops_early_and_goes_on_where_it_was(session: Session):
    """Epochs are counted on from `initial_epoch`."""
    model = keras_model()
    from jupyter_green.training.keras import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, stop=lambda _: True, tell=False)
    model.fit(X, Y, epochs=9, initial_epoch=4, verbose=0, callbacks=[callback])
    (part,) = (r for r in stored(session) if r.parent)
    assert part.metrics["epoch"] == 5.0
    assert callback.rounds.total == 5


def test_an_error_in_keras_ends_with_the_window_around(session: Session):
    """Keras tells its callbacks nothing; the cell's end does."""
    model = keras_model()
    keras = pytest.importorskip("keras", reason=NOT_HERE)
    from jupyter_green.training.keras import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, tell=False)

    def cell() -> None:
        with session.meter.window("cell"):
            model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback, Failing()])

    class Failing(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            del batch, logs
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        cell()
    assert session.meter.open_windows == ()
    (part,) = (r for r in stored(session) if r.parent)
    assert (part.status, part.flags) == ("interrupted", ("left-early",))


# Hugging Face.


def hugging_face(folder: Path, callback: Any, epochs: int, evaluates: bool) -> None:
    """Train a tiny BERT, without the network."""
    torch = pytest.importorskip("torch", reason=NOT_HERE)
    pytest.importorskip("accelerate", reason=NOT_HERE)
    transformers = pytest.importorskip("transformers", reason=NOT_HERE)

    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=8,
    )  # fmt: skip
    rows = [
        {"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor(i % 2)}
        for i in range(8)
    ]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "out"),
        num_train_epochs=epochs,
        per_device_train_batch_size=4,
        eval_strategy="epoch" if evaluates else "no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_steps=1,
        use_cpu=True,
    )
    trainer = transformers.Trainer(
        model=transformers.BertForSequenceClassification(config),
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=[callback],
    )
    trainer.train()


@pytest.mark.parametrize("evaluates", [True, False])
def test_hugging_face_epochs_are_records(
    session: Session, tmp_path: Path, evaluates: bool
):
    """With the evaluation, where there is one, and what was logged."""
    pytest.importorskip("transformers", reason=NOT_HERE)
    from jupyter_green.training.transformers import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(session=session, tell=False)
    hugging_face(tmp_path, callback, 3, evaluates)
    parts = checked_parts(session, 3)
    assert ("eval_loss" in parts[0].metrics) == evaluates
    assert "loss" in parts[0].metrics


def test_hugging_face_steps_are_records_and_stop_early(
    session: Session, tmp_path: Path
):
    """Two steps an epoch; three to a record; stopped after the second."""
    pytest.importorskip("transformers", reason=NOT_HERE)
    from jupyter_green.training.transformers import EnergyCallback  # noqa: PLC0415

    callback = EnergyCallback(
        session=session, steps=3, tell=False, stop=lambda r: r.metrics["step"] == 2
    )
    hugging_face(tmp_path, callback, 9, evaluates=False)
    checked_parts(session, 2, "step")


# PyTorch's own loop.


def test_torch_steps_are_records_without_a_change_to_the_loop(session: Session):
    """Ten steps, four to a record: 4, 4 and 2."""
    torch = pytest.importorskip("torch", reason=NOT_HERE)
    from jupyter_green.training.torch import meter_steps  # noqa: PLC0415

    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()

    with meter_steps(optimizer, every=4, session=session, total=10) as rounds:
        train(10)
    parts = checked_parts(session, 3, "step")
    assert [r.metrics["steps"] for r in parts] == [4.0, 4.0, 2.0]
    assert rounds.total == 3
    train(1)  # the hook is gone
    assert len(stored(session)) == 4
    with meter_steps(optimizer, every=4, session=session, total=8) as rounds:
        train(8)
    # What comes after the last step belongs to no four of them.
    assert [r.flags for r in rounds.records] == [(), (), ("left-early",)]
    assert (rounds.forecast().done, rounds.forecast().total) == (2, 2)


def test_torch_stops_early_and_errors_pass(session: Session):
    """The with statement is left; a user's error is the user's."""
    torch = pytest.importorskip("torch", reason=NOT_HERE)
    from jupyter_green.training.torch import meter_steps  # noqa: PLC0415

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with meter_steps(optimizer, every=1, session=session, stop=lambda _: True):
        optimizer.step()
        pytest.fail("it was to stop")
    with (
        pytest.raises(KeyError, match="mine"),
        meter_steps(optimizer, every=1, session=session),
    ):
        raise KeyError("mine")
    assert session.meter.open_windows == ()
    with (
        pytest.raises(TrainingError, match="does not tell"),
        meter_steps(object(), every=1),
    ):
        pass


# scikit-learn.


def accuracy(estimator: Any) -> dict[str, float]:
    """Return the accuracy on the data that it was trained on."""
    return {"accuracy": float(estimator.score(X, Y))}


def test_partial_fit_is_metered_by_passes(session: Session):
    """With the samples of each, and the quality."""
    linear_model = pytest.importorskip("sklearn.linear_model", reason=NOT_HERE)
    from jupyter_green.training import sklearn as green  # noqa: PLC0415

    run = green.partial_fit(
        linear_model.SGDClassifier(random_state=0), X, Y, epochs=3, batch_size=10,
        quality=accuracy, session=session, tell=False,
    )  # fmt: skip
    parts = checked_parts(session, 3)
    assert [r.metrics["samples"] for r in parts] == [32.0] * 3
    assert parts[-1].metrics["accuracy"] > 0.8
    assert not run.stopped
    with pytest.raises(TrainingError, match="no partial_fit"):
        green.partial_fit(object(), X, Y, epochs=1)


def test_warm_starts_are_metered_by_sizes(session: Session):
    """A forest that grows until that no longer pays."""
    ensemble = pytest.importorskip("sklearn.ensemble", reason=NOT_HERE)
    from jupyter_green.training import sklearn as green  # noqa: PLC0415

    forest = ensemble.RandomForestClassifier(n_estimators=1, random_state=0)
    run = green.warm_start(
        forest, X, Y, sizes=[2, 4, 8, 16, 32, 64], quality=accuracy, session=session,
        stop=EarlyStopping("accuracy", patience=2), tell=False,
    )  # fmt: skip
    assert run.stopped
    parts = checked_parts(session, len(run.records))
    assert len(forest.estimators_) == parts[-1].metrics["n_estimators"] < 64
    for wrong, said in (([2, 2], "rise"), ([], "rise")):
        with pytest.raises(TrainingError, match=said):
            green.warm_start(forest, X, Y, sizes=wrong)
    with pytest.raises(TrainingError, match="cannot go on"):
        green.warm_start(pytest.importorskip("sklearn.svm").SVC(), X, Y, sizes=[1])


def test_boosting_is_metered_by_trees(session: Session):
    """From the second tree on; a fit can be stopped."""
    ensemble = pytest.importorskip("sklearn.ensemble", reason=NOT_HERE)
    from jupyter_green.training import sklearn as green  # noqa: PLC0415

    monitor = green.Monitor(session=session, steps=2, tell=False)
    ensemble.GradientBoostingClassifier(n_estimators=6).fit(X, Y, monitor=monitor)
    parts = checked_parts(session, 3, "step")
    assert [r.metrics["steps"] for r in parts] == [2.0, 2.0, 1.0]
    assert parts[0].metrics["loss"] > parts[1].metrics["loss"]
    stopper = green.Monitor(session=session, tell=False, stop=lambda _: True)
    stopped = ensemble.GradientBoostingClassifier(n_estimators=6)
    stopped.fit(X, Y, monitor=stopper)
    assert len(stopped.estimators_) == 2
    assert session.meter.open_windows == ()


def test_callbacks_of_scikit_learn_are_metered_by_iterations(session: Session):
    """In an estimator that takes them."""
    pytest.importorskip("sklearn.callback", reason="comes with scikit-learn 1.9")
    linear_model = pytest.importorskip("sklearn.linear_model", reason=NOT_HERE)
    from jupyter_green.training import sklearn as green  # noqa: PLC0415

    callback = green.EnergyCallback(session=session, tell=False)
    model = linear_model.LogisticRegression(max_iter=50).set_callbacks(callback)
    model.fit(X, Y)
    parts = checked_parts(session, len(callback.rounds.records))
    assert len(parts) > 2


# Optuna.


def test_optuna_searches_by_quality_and_energy(session: Session):
    """Every trial is a record of purpose search; the front is Optuna's own."""
    optuna = pytest.importorskip("optuna", reason=NOT_HERE)
    from jupyter_green.training.search import two_objectives  # noqa: PLC0415

    def train(trial: Any) -> float:
        width = trial.suggest_int("width", 1, 5)
        trial.suggest_categorical("kind", ["a", "b"])
        if trial.number == 3:
            raise optuna.TrialPruned
        time.sleep(0.004 * width)
        return width / 10

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=optuna.samplers.RandomSampler(seed=1),
    )
    study.optimize(two_objectives(train, session=session, metric="acc"), n_trials=8)
    records = sorted(stored(session), key=lambda r: r.metrics["trial"])
    assert [r.purpose for r in records] == ["search"] * 8
    assert records[3].error == "TrialPruned"
    done = [t for t in study.trials if t.values]
    assert len(done) == 7
    for trial in done:
        kept = records[trial.number]
        assert kept.metrics["acc"] == trial.values[0]
        assert kept.metrics["width"] == trial.params["width"]
        assert "kind" not in kept.metrics
        assert kept.energy_j == trial.values[1]
    best = max(study.best_trials, key=lambda t: t.values[0])
    assert best.params["width"] == max(t.params["width"] for t in done)


# Any of them.


@pytest.mark.parametrize("module", ["lightning", "keras", "transformers", "sklearn"])
def test_a_framework_that_is_missing_is_named_with_the_remedy(
    module: str, monkeypatch: pytest.MonkeyPatch
):
    """And not as a riddle from deep inside."""
    import importlib  # noqa: PLC0415
    import sys  # noqa: PLC0415

    for name in (module, f"{module}.pytorch", f"{module}.callbacks", f"{module}.base",
                 "pytorch_lightning"):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"jupyter_green.training.{module}", raising=False)
    with pytest.raises(ImportError, match=f"jupyter-green\\[{module}\\]"):
        importlib.import_module(f"jupyter_green.training.{module}")


def test_no_framework_is_imported_with_the_package():
    """`import jupyter_green.training` stays quick."""
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    program = (
        "import sys, jupyter_green as jg; jg.epochs; "
        "print([m for m in ('torch', 'keras', 'lightning', 'transformers', 'sklearn') "
        "if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
