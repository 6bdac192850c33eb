"""Losses as modules; the functions are in nn.functional.losses. One family per file."""

from nn.losses.classification import BCELoss as BCELoss
from nn.losses.classification import BCEWithLogitsLoss as BCEWithLogitsLoss
from nn.losses.classification import CrossEntropyLoss as CrossEntropyLoss
from nn.losses.classification import KLDivLoss as KLDivLoss
from nn.losses.classification import NLLLoss as NLLLoss
from nn.losses.margin import CosineEmbeddingLoss as CosineEmbeddingLoss
from nn.losses.margin import HingeEmbeddingLoss as HingeEmbeddingLoss
from nn.losses.margin import MarginRankingLoss as MarginRankingLoss
from nn.losses.margin import MultiLabelMarginLoss as MultiLabelMarginLoss
from nn.losses.margin import MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss
from nn.losses.margin import MultiMarginLoss as MultiMarginLoss
from nn.losses.margin import SoftMarginLoss as SoftMarginLoss
from nn.losses.margin import TripletMarginLoss as TripletMarginLoss
from nn.losses.margin import TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss
from nn.losses.overlap import DiceLoss as DiceLoss
from nn.losses.overlap import FocalLoss as FocalLoss
from nn.losses.regression import GaussianNLLLoss as GaussianNLLLoss
from nn.losses.regression import HuberLoss as HuberLoss
from nn.losses.regression import L1Loss as L1Loss
from nn.losses.regression import MAELoss as MAELoss
from nn.losses.regression import MSELoss as MSELoss
from nn.losses.regression import PoissonNLLLoss as PoissonNLLLoss
from nn.losses.regression import SmoothL1Loss as SmoothL1Loss
from nn.losses.sequence import CTCLoss as CTCLoss
