"""Losses as plain functions; one family per file."""

from nn.functional.losses.classification import binary_cross_entropy as binary_cross_entropy
from nn.functional.losses.classification import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from nn.functional.losses.classification import cross_entropy as cross_entropy
from nn.functional.losses.classification import kl_div as kl_div
from nn.functional.losses.classification import linear_cross_entropy as linear_cross_entropy
from nn.functional.losses.classification import nll_loss as nll_loss
from nn.functional.losses.margin import cosine_embedding_loss as cosine_embedding_loss
from nn.functional.losses.margin import hinge_embedding_loss as hinge_embedding_loss
from nn.functional.losses.margin import margin_ranking_loss as margin_ranking_loss
from nn.functional.losses.margin import multi_margin_loss as multi_margin_loss
from nn.functional.losses.margin import multilabel_margin_loss as multilabel_margin_loss
from nn.functional.losses.margin import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from nn.functional.losses.margin import soft_margin_loss as soft_margin_loss
from nn.functional.losses.margin import triplet_margin_loss as triplet_margin_loss
from nn.functional.losses.margin import triplet_margin_with_distance_loss as triplet_margin_with_distance_loss
from nn.functional.losses.overlap import dice_loss as dice_loss
from nn.functional.losses.overlap import focal_loss as focal_loss
from nn.functional.losses.overlap import sigmoid_focal_loss as sigmoid_focal_loss
from nn.functional.losses.regression import gaussian_nll_loss as gaussian_nll_loss
from nn.functional.losses.regression import huber_loss as huber_loss
from nn.functional.losses.regression import l1_loss as l1_loss
from nn.functional.losses.regression import mse_loss as mse_loss
from nn.functional.losses.regression import poisson_nll_loss as poisson_nll_loss
from nn.functional.losses.regression import smooth_l1_loss as smooth_l1_loss
from nn.functional.losses.sequence import ctc_loss as ctc_loss
