"""Batches of an epoch, and augmentation against a loop over single images."""

import pytest
import torch
from torch import Generator, Tensor

from landscape_cli.data.batches import AUGMENTATIONS, augmentation, crop_flip, epoch_batches, shift
from landscape_cli.errors import LandscapeError


def seeded(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [
        (10, 5, [5, 5]),
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),  # a single last sample joins the batch before it
        (5, 4, [5]),
        (3, 2, [3]),
        (3, 1, [1, 1, 1]),
        (1, 4, [1]),
        (7, 100, [7]),
        (7, "full", [7]),
    ],
)
def test_batches_cover_every_index_once(n: int, batch_size: int | str, sizes: list[int]) -> None:
    batches = epoch_batches(n, batch_size, seeded(0))
    assert [len(batch) for batch in batches] == sizes
    assert torch.cat(batches).sort().values.tolist() == list(range(n))


def test_order_is_random_and_depends_on_the_generator_alone() -> None:
    generator = seeded(0)
    first, second = (torch.cat(epoch_batches(100, 32, generator)) for _ in range(2))
    again = torch.cat(epoch_batches(100, 32, seeded(0)))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(100))


@pytest.mark.parametrize("batch_size", [0, -3, 2.0, True, "half", None])
def test_wrong_batch_sizes_are_refused(batch_size: object) -> None:
    with pytest.raises(
        LandscapeError, match=f"batch_size must be a positive whole number or full, got {batch_size!r}"
    ):
        epoch_batches(10, batch_size, seeded(0))  # type: ignore[arg-type]


def by_loops(inputs: Tensor, generator: Generator, zero: Tensor, padding: int, mirror: bool) -> Tensor:
    n, _, height, width = inputs.shape
    down, right = torch.randint(2 * padding + 1, (2, n), generator=generator)
    mirrored = torch.randint(2, (n, 1), generator=generator, dtype=torch.bool) & mirror
    result = torch.empty_like(inputs)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                source_y = y + int(down[i]) - padding
                source_x = (width - 1 - x if mirrored[i] else x) + int(right[i]) - padding
                inside = 0 <= source_y < height and 0 <= source_x < width
                result[i, :, y, x] = inputs[i, :, source_y, source_x] if inside else zero
    return result


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("shape", "padding"), [((9, 3, 6, 5), 2), ((7, 1, 4, 4), 4), ((5, 2, 3, 7), 0)])
def test_crop_flip_and_shift_are_what_loops_give(
    shape: tuple[int, ...], padding: int, memory_format: torch.memory_format
) -> None:
    inputs = torch.randn(shape, dtype=torch.float64, generator=seeded(1)).contiguous(
        memory_format=memory_format
    )
    zero = -torch.arange(1, shape[1] + 1, dtype=torch.float64)
    before = inputs.clone()
    for seed in range(4):
        for augment, mirror in ((crop_flip, True), (shift, False)):
            result = augment(inputs, seeded(seed), zero, padding=padding)
            assert torch.equal(result, by_loops(inputs, seeded(seed), zero, padding, mirror))
            assert result.is_contiguous(memory_format=memory_format)
    assert torch.equal(inputs, before)


def test_a_shift_is_by_a_pixel_at_most() -> None:
    """A single bright pixel in the middle lands at each of nine places, equally often."""
    inputs = torch.zeros(3600, 1, 5, 5)
    inputs[:, :, 2, 2] = 1
    result = shift(inputs, seeded(0), torch.zeros(1))
    assert (result.sum(dim=(1, 2, 3)) == 1).all()
    counts = result.sum(dim=(0, 1))
    assert (counts > 0).nonzero().tolist() == [[y, x] for y in (1, 2, 3) for x in (1, 2, 3)]
    assert (counts[1:4, 1:4] - 400).abs().max() < 95  # 5 sd


def test_padding_stands_for_raw_zeros() -> None:
    """Normalizing first gives what cropping raw images padded with zeros and normalizing then gives."""
    raw = torch.rand((50, 3, 8, 8), dtype=torch.float64, generator=seeded(1))
    mean, deviation = torch.tensor([0.3, 0.5, 0.7]).double(), torch.tensor([0.2, 0.1, 0.4]).double()

    def normalize(images: Tensor) -> Tensor:
        return (images - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)

    raw_first = normalize(crop_flip(raw, seeded(2), torch.zeros(3)))
    assert torch.equal(raw_first, crop_flip(normalize(raw), seeded(2), -mean / deviation))


def test_offsets_and_flips_are_each_images_own() -> None:
    n, padding = 4000, 2
    index = torch.arange(5.0)
    rows, columns = torch.meshgrid(index, index, indexing="ij")
    inputs = torch.stack([rows, columns]).expand(n, 2, 5, 5)
    result = crop_flip(inputs.contiguous(), seeded(0), torch.tensor([-1.0, -1.0]), padding=padding)
    # The centre pixel stays inside and names where it came from; its right neighbour tells the direction.
    centre = result[:, :, 2, 2]
    for axis in range(2):
        counts = torch.bincount(centre[:, axis].long(), minlength=5)
        assert counts.sum() == n
        torch.testing.assert_close(
            counts.double(), torch.full((5,), n / 5).double(), rtol=0, atol=130
        )  # 5 sd
    flipped = (result[:, 1, 2, 1] == centre[:, 1] + 1) | (result[:, 1, 2, 3] == centre[:, 1] - 1)
    assert abs(int(flipped.sum()) - n / 2) < 160  # 5 sd


def test_results_depend_on_the_generator_alone() -> None:
    inputs = torch.randn(20, 3, 8, 8)
    zero = torch.zeros(3)
    torch.manual_seed(0)
    first = crop_flip(inputs, seeded(3), zero)
    torch.manual_seed(1)
    assert torch.equal(first, crop_flip(inputs, seeded(3), zero))
    assert not torch.equal(first, crop_flip(inputs, seeded(4), zero))


def test_lower_precision_keeps_its_type() -> None:
    assert (
        crop_flip(torch.zeros(2, 3, 8, 8, dtype=torch.bfloat16), seeded(0), torch.ones(3)).dtype
        == torch.bfloat16
    )


def test_every_augmentation_keeps_the_shape() -> None:
    assert set(AUGMENTATIONS) == {"none", "crop_flip", "shift"}
    inputs = torch.randn(6, 3, 8, 8)
    for name in AUGMENTATIONS:
        assert augmentation(name, (3, 8, 8))(inputs, seeded(0), torch.zeros(3)).shape == inputs.shape
    assert augmentation("none", (2,))(inputs, seeded(0), torch.zeros(3)) is inputs


def test_augmentations_that_do_not_fit_are_refused() -> None:
    message = r"augment=crop_flip is for images \(C, H, W\), not samples of shape \(2,\); use augment=none"
    with pytest.raises(LandscapeError, match=message):
        augmentation("crop_flip", (2,))
    with pytest.raises(LandscapeError, match=message):
        crop_flip(torch.zeros(5, 2), seeded(0), torch.zeros(2))
    with pytest.raises(LandscapeError, match="augment=shift is for images"):
        shift(torch.zeros(5, 2), seeded(0), torch.zeros(2))
    with pytest.raises(
        LandscapeError, match=r"no augmentation 'crop'; choose from crop_flip, none, shift \(nearest: crop_f"
    ):
        augmentation("crop", (3, 8, 8))
