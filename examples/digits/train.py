"""Train a classifier on real handwritten digits and look at what it learned: `python -m examples.digits.train`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import autodiff as ad
import nn
from examples.digits import pictures
from nn import optim


def build_model() -> nn.Module:
    """Return the network: 64 pixels in, one score for each digit out."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


def evaluate(model: nn.Module, images: ad.Tensor, labels: ad.Tensor) -> tuple[float, np.ndarray]:
    """Return the mean loss, and for every image the probabilities of the ten digits."""
    model.eval()
    with ad.no_grad():
        logits = model(images)
    model.train()
    return nn.CrossEntropyLoss()(logits, labels).item(), ad.softmax(logits, axis=1).numpy()


def main() -> None:
    """Load, train, save, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training set (default: 40)")
    parser.add_argument(
        "--seed", type=int, default=0, help="decides the split, the weights and every order (default: 0)"
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    ad.manual_seed(args.seed)

    # The data: pictures of 8x8 pixels in 17 shades of grey. A fifth is held out: the model never trains on it.
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target
    train, held_out = nn.random_split((images, labels), [0.8, 0.2])
    batches = nn.DataLoader(train, batch_size=32, shuffle=True)

    # The model, what it is to make small, and how.
    model = build_model()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    print(nn.summary(model, held_out[:1][0]), end="\n\n")

    def step(x: ad.Tensor, y: ad.Tensor) -> ad.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    # Training.
    curves = {"train": [], "held out": []}
    start = time.perf_counter()
    with tqdm(range(args.epochs), desc="Training", unit="epoch") as progress:
        for _ in progress:
            for x, y in batches:
                step(x, y)
            for name, (x, y) in {"train": train[:], "held out": held_out[:]}.items():
                loss, probabilities = evaluate(model, x, y)
                curves[name].append((loss, np.mean(probabilities.argmax(1) == y.numpy())))
            progress.set_postfix(loss=f"{loss:.3f}", accuracy=f"{curves['held out'][-1][1]:.1%}")
    seconds = time.perf_counter() - start
    accuracy = curves["held out"][-1][1]
    print(f"\nRight on {accuracy:.1%} of {len(held_out)} held-out digits after {seconds:.1f} s of training.\n")

    # What there is to see.
    nn.save(model.state_dict(), args.out / "weights.npz")
    pictures.draw_curves(curves, args.out / "curves.png")
    pictures.draw_mistakes(x.numpy(), y.numpy(), probabilities, args.out / "mistakes.png")
    drawing = pictures.draw_graph(ad.trace(step)(*next(iter(batches))), args.out / "step.svg")
    print(f"{drawing}  the graph of one training step: forward, backward and update")
    print(f"{args.out / 'curves.png'}  loss and accuracy by epoch")
    print(f"{args.out / 'mistakes.png'}  the held-out digits it got wrong")
    print(f"{args.out / 'weights.npz'}  the trained weights")
    print(NEXT)


NEXT = """
What to try next:
- other settings:   python -m examples.digits.train --epochs 5 --seed 1 --out out/short
- another model:    in build_model, exchange ReLU for Tanh, or add a second hidden layer
- your own picture: model.load_state_dict(nn.load("out/weights.npz")), then model.eval()(ad.tensor(image)[None])"""

if __name__ == "__main__":
    main()
