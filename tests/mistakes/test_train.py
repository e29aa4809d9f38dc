"""Mistakes with `train`: its keys and groups, their types and ranges, and what does not go together."""

import pytest
from mistakes.workshop import TINY, Told, named

ONE = f"train {TINY.replace('batch_size=10', 'batch_size=1')}"
SPIRALS = "dataset=spirals dataset.samples=20"
OWN = f"train {TINY} architecture=custom trust=true"
MISTAKES = {
    # keys and groups
    "train epoch=3": "no key 'epoch'; choose from batch_size (nearest: epochs)",
    "train optimizer.learning_rate=1": "no key 'optimizer.learning_rate'; choose from optimizer.lr",
    "train architecture.width=2": "no key 'architecture.width' (nearest: architecture.widths)",
    "train +epoch=3": "epoch",
    "train +optimizer.foo=1": "optimizer foo",
    "train architecture=resnet21": "no architecture 'resnet21'; choose from mlp, (nearest: resnet20)",
    "train optimizer=sdg": "no optimizer 'sdg'; choose from adam, (nearest: sgd)",
    "train dataset=minst": "no dataset 'minst'; choose from digits, (nearest: mnist)",
    "train experiment=li2018_resnet21": "no experiment 'li2018_resnet21'; choose from li2018_resnet56",
    # types and ranges
    "train epochs=-1": "epochs must be zero or more, got -1",
    "train epochs=many": "epochs 'many' nteger",
    "train epochs=1.5": "epochs 1.5 nteger",
    "train seed=-1": "seed must be got -1",
    "train batch_size=0": "batch_size must be a positive whole number or full, got 0",
    "train batch_size=all": "batch_size full got 'all'",
    "train batch_size=100000": "batch_size=100000 is more than the 1437 training samples; batch_size=full",
    "train micro_batch=0": "micro_batch must be got 0",
    "train l1=-1": "l1 must be zero or more, got -1",
    "train clip_grad_norm=0": "clip_grad_norm must be a positive number got 0",
    "train gradient_noise=0.3": "gradient_noise must be [eta,gamma] or null, got 0.3",
    "train gradient_noise=[0,0.55]": "gradient_noise must be [eta,gamma] got [0, 0.55]",
    "train gradient_noise=[0.3,-1]": "gradient_noise must be [eta,gamma] got [0.3, -1]",
    "train gradient_noise=[0.3,true]": "gradient_noise must be [eta,gamma] got [0.3, True]",
    "train gradient_noise=[inf,0.55]": "gradient_noise must be [eta,gamma] got [inf, 0.55]",
    "train stop_at_train_accuracy=99": "stop_at_train_accuracy fraction got 99",
    "train track=weights,outputs": "track must be a list of some of activations, gradients, weights, got",
    "train compile=true checkpointing=true": "compile=true chooses leave out checkpointing=true",
    "train checkpoint_every=0": "checkpoint_every must be got 0",
    "train loss=hinj": "no loss 'hinj'; choose from cross_entropy, hinge, huber, l1, mse, squared_hinge",
    "train precision=fp16": "no precision 'fp16'; choose from bf16, fp32",
    "train augment=mixup": "no augmentation 'mixup'; choose from crop_flip, none, shift",
    "train device=gpu": "device=gpu choose from auto, cpu, cuda",
    "train optimizer.lr=fast": "optimizer.lr must be got 'fast'",
    "train optimizer.lr=-1": "optimizer.lr -1",
    f"train {TINY} optimizer.lr=nan": "optimizer.lr nan",
    "train optimizer=adam optimizer.betas=0.9": "optimizer.betas 0.9",
    "train optimizer=adam optimizer.betas=[0.9]": "optimizer.betas [0.9]",
    f"train {TINY} optimizer=adam optimizer.betas=[0.9,0.9,0.9]": "optimizer.betas [0.9, 0.9, 0.9]",
    "train optimizer.sam=0": "optimizer.sam must be a positive number or null, got 0",
    "train optimizer.sam=0.1 optimizer.asam=1": "optimizer.sam=0.1 and optimizer.asam=1 leave one null",
    "train schedule=step schedule.every=0": "schedule.every must be a positive number, got 0",
    "train schedule=multistep schedule.epochs=3": "schedule.epochs must be a list of epochs, got 3",
    "train schedule.warmup=30": "schedule.warmup=30 epochs=20",
    "train architecture.widths=0": "architecture.widths must be a list got 0",
    "train architecture.activation=swish": "no architecture.activation 'swish'; choose from relu,",
    "train init=sparse init.sparsity=2": "init.sparsity must be got 2",
    "train dataset.train_size=99999": "dataset.train_size=99999 is more than the 1437 samples",
    "train dataset.label_noise=2": "dataset.label_noise must be got 2",
    # what does not go together
    f"{ONE} normalization=batch": "normalization=batch batch_size=1",
    f"{ONE} architecture=custom architecture.source=users_own:normalized trust=true": "batch_size=1",
    "train normalization=batch dataset.train_size=1 batch_size=full": "normalization=batch batch_size=full",
    "train normalization=batch micro_batch=1": "normalization=batch micro_batch=1",
    f"train architecture=resnet20 {SPIRALS} batch_size=10": "architecture=resnet20 needs images choose mlp",
    f"train augment=crop_flip {SPIRALS} batch_size=10": "augment=crop_flip is for images augment=none",
    "train normalization=instance": "normalization=instance architecture=mlp choose layer",
    f"{OWN} architecture.source=users_own:layers normalization=batch": "normalization=batch choose default",
    "train optimizer.nesterov=true optimizer.momentum=0": "Nesterov momentum",
    # runs
    "train +schedule.gama=3": "schedule.gama architecture.options",
    "train trust=maybe": "trust maybe",
    "train optimizer=null": "a group must be one of its choices",
    "train device=meta": "device=meta cannot be used here",
    "train schedule=cosine schedule.warmup=nan": "schedule.warmup must be",
    "train init=pretrained": "missing: init.run; say init.run=",
    "train init=pretrained init.run=nowhere": "init.run=nowhere is no run folder",
    "train init=pretrained init.run=narrow": "init.run=narrow does not fit: 1.weight (64, 64) got (5, 64)",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 56


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])
