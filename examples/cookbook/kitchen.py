"""What the recipes share: handwritten digits, small networks, a training loop.

Nothing here meters anything: that is the notebooks' part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

# One thread keeps one core busy, whatever the variant.  Where energy is estimated from
# the load, variants that keep different numbers of cores busy would be told apart by
# the model and not by their work.
torch.set_num_threads(1)

CLASSES = 10
PIXELS = 8  # in a row, and rows


class Set(NamedTuple):
    """Images, a row of 64 grey values from 0 to 1 each, and the digits they show."""

    images: Tensor
    digits: Tensor

    def pick(self, which: Tensor) -> Set:
        """Return some of them, by number or by a mask."""
        return Set(self.images[which], self.digits[which])

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.images)


class Digits(NamedTuple):
    """The digits of scikit-learn, split once and for all."""

    train: Set
    validation: Set
    test: Set


@cache
def digits() -> Digits:
    """Return the data: half to train with, the rest for choosing and for testing."""
    images, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(images, dtype=torch.float32) / 16.0
    rest, train_set = _split(Set(pixels, torch.tensor(labels)), 0.5)
    test, validation = _split(rest, 0.4)
    return Digits(train_set, validation, test)


def _split(data: Set, share: float) -> tuple[Set, Set]:
    """Return the rest, and a share of the data with all digits in proportion."""
    rest, part = train_test_split(
        range(len(data)), test_size=share, stratify=data.digits, random_state=1
    )
    return data.pick(torch.tensor(rest)), data.pick(torch.tensor(part))


def dense(width: int, *, layers: int = 2, seed: int = 0, classes: int = CLASSES):
    """Return a network of fully connected layers, each *width* neurons wide."""
    torch.manual_seed(seed)
    widths = [PIXELS * PIXELS, *[width] * layers]
    hidden = [
        part
        for before, after in pairwise(widths)
        for part in (nn.Linear(before, after), nn.ReLU())
    ]
    return nn.Sequential(*hidden, nn.Linear(widths[-1], classes))


def convolutional(channels: int, *, separable: bool = False, seed: int = 0):
    """Return a network of three convolutions, plain or depthwise separable."""
    torch.manual_seed(seed)

    def plain(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1, bias=False)]

    def apart(before: int, after: int) -> list[nn.Module]:
        return [
            nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False),
            nn.Conv2d(before, after, 1, bias=False),  # channels are mixed only here
        ]

    def block(before: int, after: int) -> nn.Module:
        convolution = apart if separable and before > 1 else plain
        parts = convolution(before, after)
        return nn.Sequential(*parts, nn.BatchNorm2d(after), nn.ReLU())

    return nn.Sequential(
        nn.Unflatten(1, (1, PIXELS, PIXELS)),
        block(1, channels),
        block(channels, channels),
        nn.MaxPool2d(2),
        block(channels, 2 * channels),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * channels, CLASSES),
    )


def batches(data: Set, size: int, generator: torch.Generator) -> Iterator[Set]:
    """Yield all of the data once, shuffled, in batches."""
    for which in torch.randperm(len(data), generator=generator).split(size):
        yield data.pick(which)


def train(
    model: nn.Module,
    data: Set,
    *,
    epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> nn.Module:
    """Train a model with Adam, and return it."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(epochs):
        for images, labels in batches(data, batch_size, generator):
            step(model, optimiser, cross_entropy(model(images), labels))
    return model


def step(model: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Go one step down the loss."""
    model.zero_grad()
    loss.backward()
    optimiser.step()


@torch.inference_mode()
def predict(model: nn.Module, data: Set, *, times: int = 1) -> Tensor:
    """Return the digits that a model sees; *times* over, to have work to meter."""
    model.eval()
    for _ in range(times):
        seen = model(data.images).argmax(dim=1)
    return seen


def accuracy(model: nn.Module, data: Set | None = None) -> Mapping[str, float]:
    """Return the share of digits that a model sees rightly, of the test set's."""
    data = data or digits().test
    return right(predict(model, data), data)


def right(seen: Tensor, data: Set | None = None) -> Mapping[str, float]:
    """Return the share of digits that were seen rightly."""
    data = data or digits().test
    return {"accuracy": (seen == data.digits).float().mean().item()}


def parameters(model: nn.Module) -> int:
    """Return how many numbers a model has learned."""
    return sum(weight.numel() for weight in model.parameters())


def warm_up() -> None:
    """Train a little, so that no variant pays for what PyTorch loads at its first."""
    few = digits().train.pick(torch.arange(128))
    for model in (dense(8), convolutional(8), convolutional(8, separable=True)):
        predict(train(model, few, epochs=1), few)
