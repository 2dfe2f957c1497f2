"""A determination: what labels, guidelines and payers say to a request, layer by layer, and what follows.

Layers are evaluated separately and never merged: the payer decides on coverage, label gates on whether a start is safe, bands on the next dose; guidelines only
advise. This module must not know a drug or a payer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pathway.coverage.answers import AGAINST, DECIDES_LABEL, DEFAULT_KINDS, FOR, LABEL_ONLY, STARTS, WORDS, Answer, Finding, Verdict
from pathway.coverage.nodes import Proof
from pathway.coverage.proof import Context, answer, prove
from pathway.coverage.record import Record
from pathway.coverage.safety import safety_of
from pathway.definition.policies import Band, PolicyRule
from pathway.rules import Truth

DISCLAIMER = "Decision support, not medical or coverage advice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Determination:
    """The answer to a request.

    Attributes
    ----------
    coverage
        The plan's answer after the label's dosing and exclusions; None where nothing is asked of a payer.
    safety
        What gates and bands say; None where they say nothing.
    findings
        Every rule that was asked, in file order.
    contrast
        What other payers' rules would have decided.
    not_evaluated
        Rules that warn, and what they ask is not on file.
    reasons, cautions
        Why the plan's answer is not the payer's rule alone; and what gates and bands found.
    flags
        ``off_label``, ``guideline_disagreement``, ``uncertain_evidence``, ``source_gap`` and the like, each with its words.
    """

    record: Record
    coverage: Answer | None
    safety: Answer | None
    verdict: Verdict | None
    contrast: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    flags: dict[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    not_evaluated: tuple[str, ...] = ()
    do_first: tuple[str, ...] = ()
    modification: str = ""
    expects: dict[str, float] = field(default_factory=dict)

    @property
    def overall(self) -> str:
        """Both answers in words; for a question on evidence, whether the patient is one of those it was gained on."""
        if self.record.asked.kind == "evidence":
            asked = [one for one in self.findings if one.rule.type == "evidence" and one.rule.when is not None]
            words = {Truth.MET: "fits the population of", Truth.NOT_MET: "does not fit the population of", Truth.NOT_DOCUMENTED: "it is open whether it fits"}
            return "; ".join(f"{words[one.truth]} {one.rule.id}" for one in asked if one.truth in words) or "no evidence held here speaks of it"
        parts = [WORDS[one] for one in (self.coverage, self.safety) if one is not None and one is not Answer.CONTINUE]
        if not parts:
            return WORDS[Answer.CONTINUE] if self.safety is Answer.CONTINUE else "nothing to decide"
        return "; ".join(parts)

    def finding(self, code: str) -> Finding | None:
        """Answer of one rule, if it was asked."""
        return next((one for one in self.findings if one.rule.id == code), None)

    def conflicts(self) -> tuple[str, ...]:
        """Numbers of the conflicts between sources that touch the answer."""
        telling = [one for one in self.findings if one.position or (one.truth is not Truth.NOT_APPLICABLE and one.layer == "label" and one.rule.conflicts)]
        used = [*(one.rule for one in telling), *(self.record.policies.rules[v.profile] for v in (self.verdict, *self.contrast) if v and v.profile != LABEL_ONLY)]
        return tuple(dict.fromkeys(number for rule in used for number in rule.conflicts))


def determine(record: Record) -> Determination:
    """Decide a request on a record."""
    return _Desk(record).decide()


def is_asked(rule: PolicyRule, record: Record) -> bool:
    """Is a rule asked at this request: its disease, its drugs, its kinds, its dates?"""
    asked = record.asked
    kinds = rule.kinds or DEFAULT_KINDS.get(rule.type, ())
    if kinds and asked.kind not in kinds:
        return False
    if rule.diseases and asked.disease not in rule.diseases:
        return False
    if rule.drugs and not {asked.drug, *record.with_agents} & set(record.policies.members(rule.drugs)):
        return False
    return not ((rule.valid_from and rule.valid_from > record.as_of) or (rule.valid_to and rule.valid_to < record.as_of))


class _Desk:
    """One determination in the making."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.context = Context(record=record)
        self.flags: dict[str, str] = {}
        self.reasons: list[str] = []
        self.advice: list[str] = []
        self.not_evaluated: list[str] = []
        self.do_first: list[str] = []
        self.modification = ""
        self.expects: dict[str, float] = {}

    def decide(self) -> Determination:
        record = self.record
        policies = record.policies
        findings = tuple(
            self._finding(rule, policies.heads[code].layer)
            for code, rule in policies.rules.items()
            if policies.heads[code].layer != "payer" and is_asked(rule, record)
        )
        is_payers = record.asked.kind not in ("next_dose", "evidence", "advice")
        verdicts = tuple(self._verdict(profile, findings) for profile in record.asked.profiles) if is_payers else ()
        verdict = verdicts[0] if verdicts else None
        coverage = self._coverage(verdict, findings)
        safety = safety_of(record, findings)
        self.do_first += safety.do_first
        self.modification = self.modification or safety.modification
        self._remarks(findings, verdict)
        return Determination(
            record=record, coverage=coverage, safety=safety.answer, verdict=verdict, contrast=verdicts[1:], findings=findings, flags=self.flags, reasons=tuple(dict.fromkeys(self.reasons)), cautions=safety.cautions,
            advice=tuple(dict.fromkeys(self.advice)), not_evaluated=tuple(self.not_evaluated), do_first=tuple(dict.fromkeys(self.do_first)), modification=self.modification, expects=self.expects,
        )  # fmt: skip

    # --- rules --------------------------------------------------------------------------------------------------------

    def _finding(self, rule: PolicyRule, layer: str) -> Finding:
        if rule.bands:
            return self._banded(rule, layer)
        proof = prove(rule, self.context)
        position = (rule.says if proof.truth is Truth.MET else rule.says_if_not_met if proof.truth is Truth.NOT_MET else None) or ""
        return Finding(rule=rule, layer=layer, truth=proof.truth, proof=proof, position=position, strength=rule.strength if position else "")

    def _banded(self, rule: PolicyRule, layer: str) -> Finding:
        """The first band that fits; a band that cannot be answered leaves the rule not documented, or, on therapy, at least as bad as the next one that fits."""
        proofs: list[Proof] = []
        if rule.applies_if is not None:
            guard = answer(rule.applies_if, self.context, f"{rule.id}.applies_if")
            if guard.truth is not Truth.MET:
                truth = Truth.NOT_DOCUMENTED if guard.truth is Truth.NOT_DOCUMENTED else Truth.NOT_APPLICABLE
                return Finding(rule=rule, layer=layer, truth=truth, proof=guard)
        is_open = False
        for number, band in enumerate(rule.bands):
            path = f"{rule.id}.bands[{number}].when"
            proof = answer(band.when, self.context, path) if band.when is not None else Proof(path=path, truth=Truth.MET, words="otherwise", form="band")
            proofs.append(proof)
            is_open = is_open or proof.truth is Truth.NOT_DOCUMENTED
            is_mild = proof.truth is Truth.MET and band.act == "continue"
            if is_open and (rule.type != "monitoring" or is_mild):
                return Finding(rule=rule, layer=layer, truth=Truth.NOT_DOCUMENTED, proof=self._bands(rule, Truth.NOT_DOCUMENTED, proofs))
            if proof.truth is Truth.MET:
                act, text = self._act(band, path)
                text += " (not all of it is on file: it may be worse)" if is_open else ""
                fits = answer(band.fits, self.context, f"{rule.id}.bands[{number}].fits").truth if band.fits is not None else None
                shown = self._bands(rule, Truth.MET, proofs)
                return Finding(
                    rule=rule, layer=layer, truth=Truth.MET, proof=shown, band=band, act=act, text=text, position=band.says or "", strength=band.strength, fits=fits
                )  # fmt: skip
        return Finding(rule=rule, layer=layer, truth=Truth.NOT_APPLICABLE, proof=self._bands(rule, Truth.NOT_APPLICABLE, proofs))

    def _bands(self, rule: PolicyRule, truth: Truth, proofs: list[Proof]) -> Proof:
        return Proof(path=rule.id, truth=truth, words=rule.label, form="bands", children=tuple(proofs), source=rule.source, grade=rule.grade)

    def _act(self, band: Band, path: str) -> tuple[str, str]:
        course = self.record.present_course
        was_so = band.held_when is None or answer(band.held_when, Context(record=self.record, skip=1), path).truth is Truth.MET
        if band.if_held is not None and course is not None and course.course.held and was_so:
            return band.if_held, band.held_text or band.text
        if band.when is not None and (band.if_repeated is not None or band.confirm):
            earlier = answer(band.when, Context(record=self.record, skip=1), path)
            if earlier.truth is Truth.MET and band.if_repeated is not None:
                return band.if_repeated, band.repeated_text or band.text
            if earlier.truth is not Truth.MET and band.confirm:
                return band.act or "", f"{band.text} (one value: repeat to confirm)"
        return band.act or "", band.text

    # --- the payer -----------------------------------------------------------------------------------------------------

    def _verdict(self, profile: str, findings: tuple[Finding, ...]) -> Verdict:
        if profile == LABEL_ONLY:
            return self._by_label(findings)
        rule = self.record.policies.rules[profile]
        why = self._speaks_of_another(rule)
        if why:
            proof = Proof(path=rule.id, truth=Truth.NOT_APPLICABLE, words=why, form="rule", source=rule.source, grade=rule.grade)
            return Verdict(profile=profile, answer=Answer.UNCERTAIN, truth=Truth.NOT_APPLICABLE, proof=proof)
        proof = prove(rule, self.context)
        return Verdict(profile=profile, answer=self._answer_of(proof.truth), truth=proof.truth, proof=proof, lasts=rule.lasts or "")

    def _speaks_of_another(self, rule: PolicyRule) -> str:
        """Why a payer's rule says nothing to the request; empty when it speaks of it."""
        record, asked, policies = self.record, self.record.asked, self.record.policies
        if rule.diseases and asked.disease not in rule.diseases:
            return f"a rule for {', '.join(policies.disease(one) for one in rule.diseases)}, not for {policies.disease(asked.disease)}"
        members = policies.members(rule.drugs)
        if rule.drugs and not {asked.drug, *record.with_agents} & set(members):
            return f"a rule for {', '.join(policies.agents[one].label for one in members[:4])}, not for {policies.agents[asked.drug].label}"
        if rule.type == "continuation" and asked.kind in STARTS:
            return "a rule for continuation, not for a start"
        other = f"{rule.id.removesuffix('-I')}-C"
        if asked.kind == "continuation" and rule.type != "continuation" and other in policies.rules:
            return f"a rule for a start: {other} is the one for continuation"
        return ""

    def _answer_of(self, truth: Truth) -> Answer:
        if truth in (Truth.MET, Truth.NOT_APPLICABLE):
            return Answer.APPROVE
        if truth is Truth.NOT_MET:
            return Answer.DENY
        is_strict = self.record.asked.missing_policy == "strict" or self.record.asked.kind == "retrospective"
        return Answer.DENY_INSUFFICIENT if is_strict else Answer.PEND

    def _by_label(self, findings: tuple[Finding, ...]) -> Verdict:
        """The label alone decides: its indication, dosing, steps and exclusions."""
        indication = self._indication()
        if indication.truth is not Truth.MET:
            return Verdict(profile=LABEL_ONLY, answer=self._answer_of(indication.truth), truth=indication.truth, proof=indication)
        deciding = [one for one in findings if one.layer == "label" and one.rule.type in DECIDES_LABEL and not one.rule.bands and one.rule.if_not_met in ("deny", "flag")]
        failed = next((one for one in deciding if one.truth is Truth.NOT_MET), None)
        open_one = next((one for one in deciding if one.truth is Truth.NOT_DOCUMENTED and one.rule.if_missing == "pend"), None)
        told = failed or open_one or next(iter(deciding), None)
        truth = Truth.NOT_MET if failed else Truth.NOT_DOCUMENTED if open_one else Truth.MET
        return Verdict(profile=LABEL_ONLY, answer=self._answer_of(truth), truth=truth, proof=None if told is None else told.proof)

    def _indication(self) -> Proof:
        """Tell whether the label of the drug lists the disease at all."""
        policies, asked = self.record.policies, self.record.asked
        agent = policies.agents[asked.drug]
        words = f"the label of {agent.label} lists {policies.disease(asked.disease)}"
        if agent.labelled_for is None:
            return Proof(path="label", truth=Truth.NOT_DOCUMENTED, words=words, form="label", missing=f"whether {words}: it was not read", source=agent.source)
        truth = Truth.MET if asked.disease in agent.labelled_for else Truth.NOT_MET
        found = ", ".join(policies.disease(one) for one in agent.labelled_for) or "none of the diseases held here"
        return Proof(path="label", truth=truth, words=words, form="label", found=f"it lists {found}", changeable=False, source=agent.source)

    def _coverage(self, verdict: Verdict | None, findings: tuple[Finding, ...]) -> Answer | None:
        """The plan's answer, and what the label's dosing and exclusions make of it."""
        if verdict is None:
            return None
        coverage = verdict.answer
        for one in findings:
            rule = one.rule
            if one.layer != "label" or rule.type not in DECIDES_LABEL:
                continue
            if rule.bands:
                coverage = self._dosed(one, coverage)
            elif one.truth is Truth.NOT_MET and rule.if_not_met == "deny":
                coverage = Answer.DENY
                self._because(one)
            elif one.truth is Truth.NOT_MET and rule.if_not_met == "modify" and coverage is Answer.APPROVE:
                coverage = Answer.MODIFY
                self._because(one)
            elif one.truth is Truth.NOT_DOCUMENTED and rule.if_missing == "pend" and (rule.type == "dosing" or rule.if_not_met in ("deny", "modify")) and coverage is Answer.APPROVE:
                coverage = self._answer_of(one.truth)
                self._because(one)
        return coverage

    def _dosed(self, one: Finding, coverage: Answer) -> Answer:
        rule = one.rule
        if one.act == "not_recommended":
            self.reasons.append(f"{rule.id}: {one.text}")
            return Answer.DENY
        is_open = one.truth is Truth.NOT_DOCUMENTED or one.fits is Truth.NOT_DOCUMENTED
        if is_open and rule.if_missing == "pend" and coverage is Answer.APPROVE:
            self._because(one)
            return self._answer_of(Truth.NOT_DOCUMENTED)
        if one.fits is Truth.NOT_MET and rule.if_not_met == "modify" and coverage is Answer.APPROVE:
            self.modification = one.text
            self.reasons.append(f"{rule.id}: {one.text}")
            return Answer.MODIFY
        if one.act == "dose":
            self.advice.append(f"dose: {one.text}")
        return coverage

    def _because(self, one: Finding) -> None:
        self.reasons.append(f"{one.rule.id}: {one.rule.label}")
        if one.truth is Truth.NOT_MET and one.rule.modification:
            self.modification = one.rule.modification

    # --- remarks --------------------------------------------------------------------------------------------------------------

    def _remarks(self, findings: tuple[Finding, ...], verdict: Verdict | None) -> None:
        indication = self._indication()
        if indication.truth is Truth.NOT_MET:
            policies, asked = self.record.policies, self.record.asked
            where = f" ({indication.source})" if indication.source else ""
            self.flags["off_label"] = f"the label of {policies.agents[asked.drug].label} does not list {policies.disease(asked.disease)}: {indication.found}{where}"
        positions = {one.rule.id: one.position for one in findings if one.position}
        for one in findings:
            self._remark(one)
        pro = [code for code, position in positions.items() if position in FOR]
        con = [code for code, position in positions.items() if position in AGAINST]
        if pro and con:
            self.flags["guideline_disagreement"] = f"for: {', '.join(pro)}; against: {', '.join(con)}"
        if verdict is not None and verdict.profile != LABEL_ONLY:
            rule = self.record.policies.rules[verdict.profile]
            if verdict.truth is not Truth.MET:
                self.do_first += [words for words, facts in rule.do_first_missing.items() if any(self.record.latest(fact) is None for fact in facts)]
                self.do_first += rule.do_first
            self.advice += rule.advice

    def _remark(self, one: Finding) -> None:
        rule = one.rule
        if one.layer == "label" and rule.type == "initiation" and rule.if_not_met == "flag" and one.truth is Truth.NOT_MET:
            self.flags["off_label"] = f"{rule.id}: {rule.label}"
        if one.band is not None and one.band.flag:
            self.flags["source_gap"] = one.band.flag
        if one.act in ("expect", "uncertain"):
            self.expects = dict(one.band.expects) if one.band is not None else {}
        if one.act == "uncertain" or one.position == "uncertain":
            outside = f"outside {rule.id}, {one.proof.deciding().words}: {rule.label}" if one.truth is Truth.NOT_MET else f"{rule.id}: {rule.label}"
            self.flags["uncertain_evidence"] = one.text or outside
        is_warned = (one.truth is Truth.NOT_MET and rule.if_not_met == "warn") or (one.truth is Truth.NOT_DOCUMENTED and rule.if_missing == "warn" and rule.type != "evidence")
        if is_warned:
            if one.truth is Truth.NOT_DOCUMENTED:
                self.not_evaluated.append(rule.id)
            else:
                self.advice.append(f"{rule.id} is not followed: {rule.label}")
            self.advice += rule.do_first
        if one.truth is Truth.MET or rule.when is None or is_warned:
            self.advice += rule.advice
