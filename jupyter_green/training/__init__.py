"""Energy-aware training: epochs as records, early stopping, sweeps, trials.

    run = jg.epochs(range(20), stop=jg.EarlyStopping("accuracy"))
    for epoch in run:
        train()
        run.log(accuracy=evaluate())

`epochs` meters any loop; `training.lightning`, `training.keras`,
`training.transformers`, `training.torch` and `training.sklearn` hold what the
frameworks call by themselves.  Each imports its framework only when it is imported
itself.  An edge: imports `api` and what stands below.
"""

from jupyter_green.training.early_stopping import EarlyStopping
from jupyter_green.training.forecasts import Forecast, forecast
from jupyter_green.training.loop import Epochs, epochs
from jupyter_green.training.sweeping import sweep
from jupyter_green.training.swept import Sweep
from jupyter_green.training.turns import trials

__all__ = [
    "EarlyStopping",
    "Epochs",
    "Forecast",
    "Sweep",
    "epochs",
    "forecast",
    "sweep",
    "trials",
]
