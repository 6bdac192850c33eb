"""Learning rate schedules, under the names of torch.optim.lr_scheduler."""

from nn.optim.lr_scheduler.composed import ChainedScheduler as ChainedScheduler
from nn.optim.lr_scheduler.composed import SequentialLR as SequentialLR
from nn.optim.lr_scheduler.cycles import CyclicLR as CyclicLR
from nn.optim.lr_scheduler.cycles import OneCycleLR as OneCycleLR
from nn.optim.lr_scheduler.fractions import ConstantLR as ConstantLR
from nn.optim.lr_scheduler.fractions import CosineAnnealingLR as CosineAnnealingLR
from nn.optim.lr_scheduler.fractions import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from nn.optim.lr_scheduler.fractions import ExponentialLR as ExponentialLR
from nn.optim.lr_scheduler.fractions import LambdaLR as LambdaLR
from nn.optim.lr_scheduler.fractions import LinearLR as LinearLR
from nn.optim.lr_scheduler.fractions import MultiplicativeLR as MultiplicativeLR
from nn.optim.lr_scheduler.fractions import MultiStepLR as MultiStepLR
from nn.optim.lr_scheduler.fractions import PolynomialLR as PolynomialLR
from nn.optim.lr_scheduler.fractions import StepLR as StepLR
from nn.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from nn.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
