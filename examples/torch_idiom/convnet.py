"""A convolutional network that finds which way bars lie, after PyTorch's MNIST example."""

import numpy as np

import autodiff as torch
import nn
import nn.functional as F
from nn import optim
from nn.data import DataLoader, TensorDataset
from nn.optim.lr_scheduler import StepLR

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, 1, padding="same", bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.dropout1 = nn.Dropout(0.0)
        self.fc1 = nn.Linear(16 * 5 * 5, 32)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output


def bars(count, seed):
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(size=(count, 1, 12, 12)), rng.integers(0, 3, count)
    for image, label in zip(images, labels, strict=True):
        k = rng.integers(2, 10)
        if label == 0:
            image[0, k] += 2
        elif label == 1:
            image[0, :, k] += 2
        else:
            image[0] += 2 * np.eye(12)
    return TensorDataset(torch.tensor(images, dtype=torch.get_default_dtype()), torch.tensor(labels))


def train(model, train_loader, optimizer, epoch):
    model.train()
    losses = []
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if batch_idx % 4 == 0:
            print(
                f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(train_loader.dataset)}]\tLoss: {loss.item():.6f}"
            )
    return losses


def test(model, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()  # sum up batch loss
            _, predicted = torch.max(output, 1)
            correct += (predicted == target).sum().item()
    test_loss /= len(test_loader.dataset)
    print(f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(test_loader.dataset)}")
    return test_loss


def main(model, epochs=2):
    model = model.to(device)
    train_loader = DataLoader(bars(128, 1), batch_size=16)
    test_loader = DataLoader(bars(48, 2), batch_size=24)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for epoch in range(1, epochs + 1):
        losses += train(model, train_loader, optimizer, epoch)
        losses.append(test(model, test_loader))
        scheduler.step()
    return losses


if __name__ == "__main__":
    main(Net())
