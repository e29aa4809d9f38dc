"""ResNet-20 with the names of the public code of Li et al. (2018)."""

import torch.nn.functional as F
from torch import Tensor, nn


class TheirBlock(nn.Module):
    """A block as the public code of Li et al. (2018) and others name it."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels:
            projection = nn.Conv2d(channels_in, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class TheirResNet(nn.Module):
    """ResNet-20: conv1, bn1, layer1 … layer3 of three blocks each, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(TheirBlock(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(TheirBlock(16, 32, 2), *(TheirBlock(32, 32, 1) for _ in range(2)))
        self.layer3 = nn.Sequential(TheirBlock(32, 64, 2), *(TheirBlock(64, 64, 1) for _ in range(2)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(out.mean(dim=(2, 3)))
