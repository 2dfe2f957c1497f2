"""The invariants that come with the project: structural ones, and I1 to I50 of the coverage review as far as they speak of histories."""

from __future__ import annotations

from pathway.invariants.catalogue.access import ACCESS
from pathway.invariants.catalogue.arthritis import ARTHRITIS
from pathway.invariants.catalogue.safety import SAFETY
from pathway.invariants.catalogue.structural import STRUCTURAL
from pathway.invariants.catalogue.systemic_sclerosis import SYSTEMIC_SCLEROSIS

CATALOGUE = (*STRUCTURAL, *SAFETY, *SYSTEMIC_SCLEROSIS, *ARTHRITIS, *ACCESS)
"""All of them, the structural ones first."""
