"""Data sets, samplers and loaders under the names of torch.utils.data; transforms of pictures; data to begin with."""

from nn.data import synthetic as synthetic
from nn.data import transforms as transforms
from nn.data.bundled import bundled as bundled
from nn.data.collate import default_collate as default_collate
from nn.data.collate import default_convert as default_convert
from nn.data.dataset import ChainDataset as ChainDataset
from nn.data.dataset import ConcatDataset as ConcatDataset
from nn.data.dataset import Dataset as Dataset
from nn.data.dataset import IterableDataset as IterableDataset
from nn.data.dataset import StackDataset as StackDataset
from nn.data.dataset import Subset as Subset
from nn.data.dataset import TensorDataset as TensorDataset
from nn.data.dataset import random_split as random_split
from nn.data.files import CIFAR10 as CIFAR10
from nn.data.files import CIFAR100 as CIFAR100
from nn.data.files import MNIST as MNIST
from nn.data.files import FashionMNIST as FashionMNIST
from nn.data.files import read_idx as read_idx
from nn.data.loader import DataLoader as DataLoader
from nn.data.loader import get_worker_info as get_worker_info
from nn.data.sampler import BatchSampler as BatchSampler
from nn.data.sampler import RandomSampler as RandomSampler
from nn.data.sampler import Sampler as Sampler
from nn.data.sampler import SequentialSampler as SequentialSampler
from nn.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from nn.data.sampler import WeightedRandomSampler as WeightedRandomSampler
