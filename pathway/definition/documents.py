"""The grammar of the documents: what may stand in a disease folder and in a scenario.

Every class is one table of a TOML file or one row of a CSV file. Unknown keys are refused, everything is
frozen, and a number never stands alone: where a clinical or economic number is wanted, the document names the
*id* of a row in the evidence tables (type ``ValueId``), and that row carries unit, source, grade and spread.
Nothing in a document is ever executed: a rule is a tree of tables, a derived number is a sum of products.

This is the face of the grammar; the classes stand in the modules beside it, one idea each.
"""

from __future__ import annotations

from pathway.definition.access import (
    Access,
    AfterDenial,
    Delay,
    TreatmentAccess,
)
from pathway.definition.body import (
    Condition,
    Covariate,
    Finding,
    FindingTerm,
    Flag,
    Marker,
    Schedule,
    State,
)
from pathway.definition.change import (
    Confirmation,
    Decision,
    Effect,
    Hazard,
    HazardTerm,
    Jump,
    ScheduledStop,
    Swap,
    Transition,
    When,
)
from pathway.definition.criteria import (
    Criterion,
    Rule,
)
from pathway.definition.disease import (
    Disease,
    PathwayDocument,
    Sum,
    Switch,
    SwitchOption,
)
from pathway.definition.economics import (
    EconomicsDocument,
    Resource,
    Utility,
)
from pathway.definition.population import (
    CohortDefinition,
    Correlation,
    Draw,
    Entry,
)
from pathway.definition.response import Index, IndexTerm, Modifier, Response, ResponseShape, Share
from pathway.definition.rows import (
    DosingRow,
    EvidenceRow,
    PriceRow,
    SourceRow,
    TreatmentRow,
)
from pathway.definition.strategies import (
    Candidate,
    Line,
    StrategyDefinition,
)
from pathway.definition.study import (
    EconomicsChoice,
    Override,
    PriceOverride,
    ScenarioDocument,
    Study,
)
from pathway.definition.words import (
    AccessId,
    Clock,
    CohortId,
    ConditionId,
    CovariateId,
    DecisionId,
    Document,
    Factor,
    Family,
    FindingId,
    FlagId,
    Grade,
    ItemId,
    Label,
    LifeTableId,
    MarkerId,
    Name,
    NormId,
    ReferenceTableId,
    Refers,
    RuleId,
    StateId,
    StrategyId,
    SwitchId,
    TreatmentId,
    ValueId,
)

__all__ = [
    "Access",
    "AccessId",
    "AfterDenial",
    "Candidate",
    "Clock",
    "CohortDefinition",
    "CohortId",
    "Condition",
    "ConditionId",
    "Confirmation",
    "Correlation",
    "Covariate",
    "CovariateId",
    "Criterion",
    "Decision",
    "DecisionId",
    "Delay",
    "Disease",
    "Document",
    "DosingRow",
    "Draw",
    "EconomicsChoice",
    "EconomicsDocument",
    "Effect",
    "Entry",
    "EvidenceRow",
    "Factor",
    "Family",
    "Finding",
    "FindingId",
    "FindingTerm",
    "Flag",
    "FlagId",
    "Grade",
    "Hazard",
    "HazardTerm",
    "Index",
    "IndexTerm",
    "ItemId",
    "Jump",
    "Label",
    "LifeTableId",
    "Line",
    "Marker",
    "MarkerId",
    "Modifier",
    "Name",
    "NormId",
    "Override",
    "PathwayDocument",
    "PriceOverride",
    "PriceRow",
    "ReferenceTableId",
    "Refers",
    "Resource",
    "Response",
    "ResponseShape",
    "Rule",
    "RuleId",
    "ScenarioDocument",
    "Schedule",
    "ScheduledStop",
    "Share",
    "SourceRow",
    "State",
    "StateId",
    "StrategyDefinition",
    "StrategyId",
    "Study",
    "Sum",
    "Swap",
    "Switch",
    "SwitchId",
    "SwitchOption",
    "Transition",
    "TreatmentAccess",
    "TreatmentId",
    "TreatmentRow",
    "Utility",
    "ValueId",
    "When",
]
