"""Mistakes with `surface` and `interpolate`: grids, runs, directions."""

import pytest
from mistakes.workshop import Told, named

RUN = "run=a x=[-1,1,3] y=[-1,1,3]"
TO = "surface run=a direction=runs"
NEAR = "x=[0,1,2] y=[0,1,2]"
MISTAKES = {
    # keys and groups
    "surface run=a direction=gaussian": "no direction 'gaussian'; choose from random, runs",
    "surface run=a direction.to=b": "no key 'direction.to'",
    "interpolate run=a to_run=b": "no key 'run'; choose from from_run, (nearest: to_run)",
    # types and ranges
    "surface run=a x=[1,-1,5]": "x must be first:last:count with first < last got [1, -1, 5]",
    "surface run=a x=1:-1:5": "x must be first:last:count with first < last got '1:-1:5'",
    "surface run=a x=-1:1:five": "x must be first:last:count got '-1:1:five'",
    "surface run=a x=-1:1": "x must be first:last:count got '-1:1'",
    "surface run=a x=null": "x must be first:last:count got None",
    "surface run=a x=7": "x must be first:last:count got 7",
    "surface run=a x=[-1,1]": "x must be first:last:count got [-1, 1]",
    "surface run=a x=[-1,1,1]": "x must be count of at least 2, got [-1, 1, 1]",
    "surface run=a x=[-1,1,nan]": "x must be first:last:count nan",
    "surface run=a x=[-1,inf,3]": "x must be first:last:count inf",
    "surface run=a y=3": "y",
    "surface run=a splits=[train,train]": "splits must be without repetition, got ['train', 'train']",
    "surface run=a splits=[validation]": "splits 'validation'; choose from test, train",
    "surface run=a splits=[]": "splits must be one or both of train and test, got []",
    "surface run=a samples=0": "samples must be got 0",
    "surface run=a samples=50": "samples=50 is more than the 20 samples",
    f"surface {RUN} samples=10 seed=-4": "seed must be got -4",
    "surface run=a direction.norm=foo": "no direction.norm 'foo'; choose from filter, layer, none",
    f"surface {RUN} direction.seed=one": "direction.seed must be got 'one'",
    f"{TO} direction.to=[b,c] {NEAR} direction.orthogonalize=no": "direction.orthogonalize got 'no'",
    "surface run=a batchnorm=freeze": "no batchnorm 'freeze'; choose from interpolate, keep, recompute",
    "interpolate from_run=a to_run=b alpha=[1,0,3]": "alpha must be first < last got [1, 0, 3]",
    # runs
    "surface": "missing: run; say run=",
    "interpolate from_run=a": "missing: to_run; say to_run=",
    "surface run=nowhere": "run=nowhere is no run folder no such folder landscape list runs",
    "surface run=thesis": "run=thesis is no run folder config.yaml checkpoints/",
    "surface run=unbegun": "unbegun has no checkpoint yet train",
    "surface run=unfinished": "unfinished is not finished; train it to the end or choose 0",
    "surface run=a epoch=7": "a has no checkpoint of epoch 7; choose last, init, 0, 1 checkpoint_every=",
    "surface run=a epoch=first": "no checkpoint of epoch 'first'; choose last, init,",
    f"surface {RUN.replace('=a', '=lost')}": "lost epoch 1",
    f"surface {RUN.replace('=a', '=no_metrics')}": "no_metrics metrics.csv",
    f"surface {RUN.replace('=a', '=bad_config')}": "bad_config/config.yaml",
    f"surface {RUN.replace('=a', '=bad_provenance')}": "bad_provenance/provenance.json",
    f"surface {RUN.replace('=a', '=cut')}": "cut/checkpoints/epoch_0001.pt is no readable checkpoint train",
    f"surface {RUN.replace('=a', '=foreign')}": "foreign/checkpoints/epoch_0001.pt is no checkpoint",
    "interpolate from_run=a to_run=narrow": "different networks architecture.widths [64, 64] [5] choose runs",
    "surface run=a batchnorm=recompute": "batchnorm=recompute is for direction=runs",
    "interpolate from_run=a to_run=cnn": "different networks architecture.name mlp cnn",
    # directions toward runs
    f"{TO}": "missing: direction.to; say direction.to=",
    f"{TO} direction.to=b": "a plane needs two runs in direction.to, got 1; y=null",
    f"{TO} direction.to=[b,c] y=null": "a line needs one run in direction.to, got 2",
    f"{TO} direction.to=[b,c,narrow]": "a plane needs two runs in direction.to, got 3",
    f"{TO} direction.to=[b,narrow]": "different networks architecture.widths",
    f"{TO} direction.to=[b,nowhere]": "direction.to=nowhere is no run folder",
    f"{TO} direction.to=[b,b] direction.orthogonalize=true": "solutions lie on one line three different runs",
    f"{TO} direction.to=[b,b] {NEAR}": "solutions lie on one line three different runs",
    f"{TO} direction.to=a x=[0,1,2] y=null": "direction.to=a itself",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 46


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])
