"""A Transformer that learns to say the next letter, after PyTorch's tutorial on language models."""

import math

import numpy as np

import autodiff as torch
import nn
import nn.functional as F
from nn import optim

TEXT = "the quick brown fox jumps over the lazy dog while the dog dreams of a quick brown fox " * 6
LETTERS = sorted(set(TEXT))


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=64):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[: x.size(0)]
        return self.dropout(x)


class TransformerModel(nn.Module):
    def __init__(self, ntoken=27, d_model=16, nhead=2, d_hid=32, nlayers=2, dropout=0.0):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model, dropout)
        encoder_layers = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout, activation="gelu", norm_first=True)
        self.transformer_encoder = nn.TransformerEncoder(encoder_layers, nlayers, enable_nested_tensor=False)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)

        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.embedding.weight, -initrange, initrange)
        nn.init.zeros_(self.linear.bias)
        nn.init.uniform_(self.linear.weight, -initrange, initrange)

    def forward(self, src, src_mask=None):
        src = self.embedding(src) * math.sqrt(self.d_model)
        src = self.pos_encoder(src)
        if src_mask is None:
            src_mask = nn.Transformer.generate_square_subsequent_mask(len(src))
        output = self.transformer_encoder(src, src_mask)
        output = self.linear(output)
        return output


def batchify(data, bsz):
    seq_len = data.shape[0] // bsz
    data = data[: seq_len * bsz]
    return data.view(bsz, seq_len).t()


def get_batch(source, i, bptt=16):
    seq_len = min(bptt, len(source) - 1 - i)
    data = source[i : i + seq_len]
    target = source[i + 1 : i + 1 + seq_len].reshape(-1)
    return data, target


def main(model, epochs=2):
    tokens = torch.tensor(np.array([LETTERS.index(letter) for letter in TEXT]), dtype=torch.long)
    train_data = batchify(tokens, 4)
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    warmup = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 5))
    losses = []
    for epoch in range(1, epochs + 1):
        model.train()
        for i in range(0, train_data.size(0) - 1, 16):
            data, targets = get_batch(train_data, i)
            output = model(data)
            output_flat = output.view(-1, len(LETTERS))
            loss = F.cross_entropy(output_flat, targets)

            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            warmup.step()
            losses.append(loss.item())
        print(f"| epoch {epoch:3d} | lr {warmup.get_last_lr()[0]:02.4f} | ppl {math.exp(losses[-1]):8.2f}")
    return losses


if __name__ == "__main__":
    main(TransformerModel())
