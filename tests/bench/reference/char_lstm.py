"""PyTorch with the recipe of models/char_lstm.lua."""
import common
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
n_letters, train, valid = common.letters(64)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.out = nn.Embedding(n_letters, 64), nn.LSTM(64, 128, batch_first=True), nn.Linear(128, n_letters)

    def forward(self, ids):
        return self.out(self.lstm(self.embedding(ids))[0])


def run(seed):
    torch.manual_seed(seed)
    return common.learn_letters(Net(), train, valid)


common.each_seed("char_lstm", run, 2)
