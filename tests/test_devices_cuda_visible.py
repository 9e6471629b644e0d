"""CUDA_VISIBLE_DEVICES is read as CUDA reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_green.devices.cuda_visible import select

UUIDS = ("GPU-aa11", "GPU-ab22", "GPU-cc33")
MIG = {"MIG-1111": 1, "MIG-1122": 1, "MIG-2222": 2}


@pytest.mark.parametrize(
    ("value", "indices"),
    [
        (None, (0, 1, 2)),
        ("", ()),
        ("  ", ()),
        ("0", (0,)),
        ("2,0", (2, 0)),
        (" 1 , 2 ", (1, 2)),
        ("-1", ()),
        ("1,-1,0", (1,)),
        ("0,7,1", (0,)),
        ("0,x,1", (0,)),
        ("1gpu", (1,)),
        ("0,,1", (0,)),
        ("0,0", ()),
        ("GPU-cc33", (2,)),
        ("GPU-c", (2,)),
        ("GPU-ab22,GPU-aa11", (1, 0)),
        ("GPU-a", ()),
        ("GPU-zz,0", ()),
        ("GPU-cc,2", ()),
        ("MIG-2222", (2,)),
        ("MIG-1111,MIG-1122", (1,)),
        ("MIG-22", (2,)),
        ("MIG-GPU-cc33/1/0", (2,)),
        ("MIG-9999", ()),
        ("NoDevFiles", ()),
    ],
)
def test_what_cuda_would_show(value: str | None, indices: tuple[int, ...]):
    """Numbers, UUIDs and their prefixes, MIG, and lists that end early."""
    assert select(value, UUIDS, MIG).indices == indices


@pytest.mark.parametrize("value", ["0,7", "GPU-a", "MIG-9999", "1,1"])
def test_a_list_that_ends_early_says_why(value: str | None):
    """A typing error must not silently leave a GPU out."""
    assert "CUDA" in select(value, UUIDS, MIG).ended


@pytest.mark.parametrize("value", [None, "", "-1", "0,1", "1,-1"])
def test_a_list_that_was_meant_so_says_nothing(value: str | None):
    """Ending by -1 or emptiness is on purpose."""
    assert select(value, UUIDS, MIG).ended == ""


@given(st.text(alphabet="0123-GPUMIaceg/, x", max_size=20))
def test_any_text_selects_existing_gpus_once(value: str | None):
    """Whatever stands in the variable, the answer is usable."""
    indices = select(value, UUIDS, MIG).indices
    assert len(set(indices)) == len(indices)
    assert set(indices) <= {0, 1, 2}
