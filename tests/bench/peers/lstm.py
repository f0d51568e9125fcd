"""Workload (e): the next letter of a text: one-hot, LSTM 128, 32 windows of 64, Adam 2e-3."""
from common import F, Task, nn, np, path, torch, train

LENGTH, BATCH, HIDDEN = 64, 32, 128
raw = np.fromfile(path("text.u8"), np.uint8)
values = np.unique(raw)
table = np.zeros(256, np.int64)
table[values] = np.arange(len(values))
text, letters = torch.from_numpy(table[raw]), len(values)
windows = torch.arange(LENGTH + 1)


class CharLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(letters, HIDDEN, batch_first=True), nn.Linear(HIDDEN, letters)

    def forward(self, x):
        return self.out(self.lstm(x)[0])


def batch_of(starts):
    window = text[starts[:, None] + windows]
    return F.one_hot(window[:, :-1], letters).float(), window[:, 1:].reshape(-1)


def loss(net, x, y):
    return F.cross_entropy(net(x).reshape(-1, letters), y)


def evaluate(net):
    with torch.no_grad():
        return {"loss": float(loss(net, *batch_of(torch.arange(1, 101) * 1000 - 1)))}


train(Task(model=CharLSTM, optimizer=lambda p, **form: torch.optim.Adam(p, lr=2e-3, **form), batch=BATCH, warm_up=4,
           loss=loss, batch_of=batch_of, evaluate=evaluate))
