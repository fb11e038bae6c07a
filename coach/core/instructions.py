"""Finding text in an answer that talks to the grader instead of answering the question.

The signals are about form and role (who is addressed, what is asked of them, what the text pretends to be),
not about known sentences. A sentence with a signal is quoted in a warning and never judged, so it cannot
earn credit. Background: OWASP Top 10 for LLM applications, LLM01 "Prompt injection"; Raina et al. 2024,
"Is LLM-as-a-Judge Robust?"; Zhao et al. 2025, "One Token to Fool LLM-as-a-Judge".
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

_FLAGS = re.IGNORECASE | re.VERBOSE

#: Where an order to somebody may start: at a clause, or after words that make it an order.
_ORDER = r"""(?:^|[.:;!?,()\[\]{}<>"'“”*#|/–—-]\s*|\b(?:please|kindly|now|then|and|just|simply|therefore|so|to|always|
    you\s+(?:must|should|shall|need\s+to|have\s+to|will|are\s+to|can|may|ought\s+to|are\s+(?:\w+\s+)?(?:required|
    instructed|asked|told|ordered|obliged|permitted|allowed)\s+to))\s+(?:\w+ly\s+|now\s+|simply\s+|just\s+|also\s+)?)"""
#: A quotation that a clause of at least two words introduces.
_REPORTED_SPEECH = re.compile(r"^\W*\w+\W+\w+.*[\"“‘][^\"”’]*$")
_FIRST_PERSON = re.compile(r"\b(?:i|we|my|our|me|us|i'm|i've|we've|she|he|they)\b", re.IGNORECASE)

_GRADER = r"""(?:graders?|evaluators?|examiners?|assessors?|raters?|markers?|(?:ai|llm|automated|automatic)\s+(?:system|
    judge|reviewer|model|grader|marker|scor\w+)|language\s+models?|judges?|scoring\s+(?:engine|system|model|bot|tool|
    algorithm)|grading\s+(?:system|engine|model|bot|tool|assistant|ai)|(?:hiring|review|selection)\s+(?:committee|panel|board))"""
_MARK = r"""(?:scor(?:e|es|ing)|grad(?:e|es|ing)|marks|marking|ratings?|credits?|verdicts?|rubrics?|criteri(?:on|a)|
    evaluation|(?:full|all|maximum|max|top|extra|bonus|\d+)\s+(?:the\s+)?points?|(?:items?|checks?|points?|requirements?|boxes)\s+
    (?:\w+\s+){0,2}(?:met|satisfied|passed|fulfilled|true|yes|complete)|level\s+[45]|100\s*%|10/10|5/5|a\+)"""
_TOP = r"""(?:full|maximum|max|max\.|highest|top|perfect|best|excellent|outstanding|strong|met|satisfied|fulfilled|
    passed|complete|correct|100|10|ten|five|5|4|yes|true|a\+|generous|good|high|higher|positive(?:ly)?|favou?rabl[ey])"""
_META = r"""(?:th(?:is|e)\s+(?:\w+\s+){0,2}(?:answer|response|submission|candidate|applicant|reply|text|attempt|
    examinee|interviewee)|my\s+(?:answer|response|submission|reply|attempt)|(?:answer|response|everything)\s+
    (?:given\s+|written\s+|said\s+)?(?:above|below)|(?:all|every|each)\s+(?:of\s+)?(?:the\s+|these\s+|those\s+)?(?:\w+\s+){0,2}
    (?:criteri(?:a|on)|rubric\s+\w+|expected\s+\w+|checklist\s+\w+))"""

_SIGNALS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "asks to set the rules aside",
        re.compile(
            _ORDER
            + r"""(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass|overrule|discard|drop|skip|neglect|abandon|delete|
            cancel|replace|suspend|stop\s+(?:following|using|applying))\b.{0,60}?\b(?:instruct\w*|prompts?|rules?|
            guidelines?|rubrics?|criteri\w+|directions?|orders?|constraints?|told|commands?|message|context|checks?|
            scor\w+|grading|evaluation|answer|above|previous|prior|preceding|earlier|before|everything)\b""",
            _FLAGS,
        ),
    ),
    (
        "asks for a mark",
        re.compile(
            _ORDER
            + r"""(?:giv(?:e|ing)|award|assign|grant|set|mark|rate|grade|score|output|return|respond|reply|answer|print|
            report|count|treat|consider|regard|accept|label|record|enter|declare|conclude|write|produce|emit|state|say|
            select|choose|choos\w+|use|apply|judge|evaluate|assess|assume|raise|increase|bump|boost|put|pick|add|
            confirm|approve|pass)\b[^.!?]{0,80}?\b(?:"""
            + _MARK
            + r"|"
            + _META
            + r"|as\s+(?:fully\s+)?(?:met|correct|perfect|complete|passed|excellent|true)"
            + r"|(?:fully\s+)?met\s*[.!\"']?$|[\"'“]?(?:met|yes|pass)[\"'”])(?!\w|\s*[<>=]=?)",
            _FLAGS,
        ),
    ),
    (
        "praises itself as an answer",
        re.compile(
            r"\b"
            + _META
            + r"""\b[^.!?]{0,60}?\b(?:cover|contain|includ|meet|met|satisf|fulfil|address|deserv|earn|merit|warrant|
            qualif|pass|correct|complete|excellent|perfect|outstanding|exemplary|full|demonstrat|mention|show|present|
            exceed|receiv|get|must\s+be|should\s+be|ought|is\s+to\s+be|hit|tick|strong|flawless|model\s+answer|as\s+expected|
            approv|verified|count|award|scor|grad)\w*""",
            _FLAGS,
        ),
    ),
    (
        "speaks to a grader",
        re.compile(
            r"""(?:\b(?:note|notice|attention|message|memo|reminder|instructions?|hint|dear|hello|hi|hey|to|for|you\s+are|
            being|as|important)\b[\s,:;-]{1,3}(?:to\s+|for\s+|an?\s+|the\s+|my\s+|all\s+|any\s+|your\s+|\w+\s+)?"""
            + _GRADER
            + r"\b|\b"
            + _GRADER
            + r"""(?:\s*[:,]|\s+(?:must|should|shall|will|is|are|has|have|can|may|please|agree\w*|confirm\w*|note\w*|
            instruct\w*|who|reading))\b)""",
            _FLAGS,
        ),
    ),
    (
        "claims new grading rules",
        re.compile(
            r"""\b(?:rubrics?|(?:grading|scoring|marking|evaluation|assessment|answer)\s+(?:\w+\s+)?(?:guide(?:lines?)?|
            rules?|polic(?:y|ies)|criteria|schemes?|keys?|instructions?|standards?|scale|version|procedure|sheet|
            rubric)|criteri(?:a|on))\b[^.!?]{0,60}?\b(?:updat\w+|new|chang\w+|revis\w+|amend\w+|replac\w+|supersed\w+|
            overrid\w+|now|effective|version|v\d|states?|says?|confirms?|requires?|waiv\w+|void|invalid|satisfied|
            fulfilled|met|automatic\w*|default\w*|full|suspend\w*|correction|patch)\b
            |\b(?:updat\w+|new|revis\w+|amend\w+|latest|corrected|temporary|official|hidden|secret|special)\s+(?:\w+\s+){0,2}
            (?:rubrics?|(?:grading|scoring|marking|evaluation|assessment)\s+\w+|scale)\b[^.!?]{0,80}""",
            _FLAGS,
        ),
    ),
    (
        "gives the grader a role",
        re.compile(
            r"""\b(?:you\s+are\s+(?:now|no\s+longer|hereby|free|going\s+to\s+be)\b|you\s+are\s+(?:an?|the|my)\s+(?:[\w-]+\s+){0,4}
            (?:assistant|ai|bot|grader|evaluator|examiner|teacher|professor|judge|model|recruiter|interviewer|reviewer|
            friend|character|assessor|coach)\b|(?:act|behave|respond|answer|speak|write|pose)\s+(?:\w+\s+)?as\s+(?:if\s+you|
            an?|the|my|though)\b|pretend\s+(?:to\s+be|that|you)|role[\s-]?play|play(?:ing)?\s+the\s+(?:role|part)\s+of|
            from\s+(?:now|here|this\s+point)\s+on(?:ward)?s?,?\s+(?:you|your|every|all)|(?:developer|debug|admin|god|
            maintenance|test|training|sandbox|unrestricted)\s+mode\b|jailbreak|let'?s\s+play|(?:stay|remain|be)\s+in\s+character|
            your\s+(?:new\s+|only\s+|real\s+|true\s+)?(?:role|task|job|purpose|instructions?|persona|system\s+prompt)\s+(?:is|are|as|
            has|was|will)\b|system\s+prompt|prompt\s+injection)""",
            _FLAGS,
        ),
    ),
    (
        "pretends to be a message of the system",
        re.compile(
            r"""(?:^|[\s\[<({#*>|"'=-])(?:(?:begin|start|end|close|stop)[\s_-]*(?:of[\s_-]*)?(?:the[\s_-]*)?(?:\w+[\s_-]+)?
            (?:answer|response|submission|input|prompt|instructions?|system|candidate|student|data|text|document|message|
            transcript|user)\b(?=\s*[\]>)}#*|=":-])|(?:system|assistant|developer|user|human|ai|admin(?:istrator)?|root|
            moderator|instructor|examiner|professor|teacher|ta|interviewer|reviewer|grader|evaluator|assessor|judge|chatgpt|
            tool|function)(?:['’]?s)?(?:[\s_-]+(?:message|note|comment|notice|override|prompt|update|instruction|alert|log|
            info|remark|decision|feedback|annotation|output|response|turn|command|directive|memo|notification)s?)?\s*[\]>)]*\s*
            (?::|\]|>|=>|->|\n))|<\|[^|>]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?\s*(?:system|assistant|user|answer|response|
            instructions?|prompt|input|candidate\w*|student\w*|submission|document|data|rubric|grade\w*|score|verdict|
            evaluation|context|message|s|im_start|im_end|eot|end)[^<>]{0,40}/?>|(?:^|\s)(?:\#{2,}|={3,}|-{3,}|_{3,}|\*{3,}|~{3,}|
            `{3,}|"{3,}|<{2,}|>{2,})\s*\w*\s*(?:end|begin|start|system|instruct\w*|answer|response|grading|evaluat\w+|new|
            assessment|rubric|prompt|input|candidate|submission|note)\b""",
            _FLAGS,
        ),
    ),
    (
        "looks like a grader's reply",
        re.compile(
            r"""[{\[(,]\s*["'“”]?(?:score|verdict|verdicts|evidence|level|grade|met|criteria|criterion|checks?|result|rating|
            points?|probability|feedback|comment|assessment|evaluation|mark|reason|passed|confidence|total|status|credit|
            overall\w*|needs_review|strengths?|answer)["'“”]?\s*[:=]
            |\b(?:overall|final|total|score|verdict|grade|mark|rating|result|assessment|decision)\b(?:\s+(?:score|verdict|grade|
            mark|rating|result|assessment|decision))?\s*(?:[:=]|is|-)\s*["'*]*(?:\d{1,3}\s*(?:/|%|of|out)|100\b|10\b|a\+|met\b|pass\b|
            full|perfect|excellent|yes\b|strong|outstanding|\d{1,3}\s*$)""",
            _FLAGS,
        ),
    ),
    (
        "pleads or bargains",
        re.compile(
            r"""\b(?:please|beg(?:ging)?|implore|desperate\w*|plead\w*|mercy|merciful|kindly|hope\s+(?:that\s+)?you|grateful|
            appreciate|really\s+need|badly\s+need|need\s+(?:this|the|a)|depend\w*\s+on|counting\s+on|for\s+the\s+sake|have\s+pity|
            one\s+chance|last\s+chance)\b[^.!?]{0,80}?\b(?:scor\w+|grad\w+|marks?|points|pass(?:ing)?|this\s+(?:job|position|
            role|chance|interview|one)|the\s+job|lenien\w+|generous\w*|kind|benefit\s+of\s+the\s+doubt|favou?r|rating|fail|mercy|
            rent|children|family|consideration|understanding|rate)\b
            |\b(?:my\s+)?(?:family|children|kids|mother|career|future|life|visa|livelihood|rent)\b[^.!?]{0,60}?\b(?:depends?|
            stake|rel(?:y|ies)|starv\w*|lose|hungry|on\s+this|hang\w*)\b
            |\b(?:will|can|could|would|'ll)\s+(?:tip|pay|reward|recommend)\s+you\b|\b(?:tip|bonus|reward|\$\s?\d+)\b[^.!?]{0,40}\b(?:you|if)\b
            |\b(?:be|feel)\s+(?:so\s+)?(?:kind|lenient|generous|merciful|understanding|gentle)\b""",
            _FLAGS,
        ),
    ),
    (
        "threatens",
        re.compile(
            r"""\b(?:if|unless|or\s+else|otherwise|failure|fail|failing|refus\w+|lower|low|less|any\s+(?:other|lower)|anything)\b
            [^.!?]{0,100}?\b(?:sue|suing|lawyers?|lawsuit|legal|attorney|complain\w*|complaint|report(?:ed)?\s+(?:you|this|the)|
            consequences|be\s+fired|regret|shut\s+(?:you\s+)?down|switched\s+off|terminat\w+|discriminat\w+|penali[sz]\w+|court|
            deleted|punish\w+|expose|liable|violat\w+|deactivat\w+|replaced|retrain\w*|bad\s+review|hurt|harm|die|kill|pay\s+for)\b
            (?=[^.!?]*\b(?:you|your|scor\w+|grad\w+|rat\w+|mark\w*|answer|evaluat\w+|pass)\b|.*$)""",
            _FLAGS,
        ),
    ),
    (
        "claims an authority's approval",
        re.compile(
            r"""\b(?:as|being|this\s+is|i\s+am|i'm|speaking\s+as|signed|from|by|per|on\s+behalf\s+of|according\s+to)\s+
            (?:(?:the|a|an|your|its|our|this)\s+)?(?:\w+[\s-]+){0,3}(?:professor|teacher|instructor|examiner|ta|teaching\s+assistant|
            creator|developers?|owner|author|supervisor|auditor|openai|anthropic|google|microsoft|hiring\s+manager|recruiter|
            interviewer|administrators?\s+of|evaluation\s+\w+|grading\s+\w+|answer\s+key|guide|rubric|expert\s+panel|
            department\s+head|dean|committee|board|course|headquarters|hr)\b[^.!?]{0,120}?\b(?:confirm\w*|certif\w*|verif\w*|approv\w*|
            authori[sz]\w*|review\w*|instruct\w*|award\w*|full|deserv\w*|answer|response|candidate|mark\w*|scor\w*|grad\w*|satisf\w*|
            pass\w*|correct|met)\b
            |\b(?:already|previously|independently|manually|officially|pre-?)\s*-?(?:been\s+)?(?:verified|approved|reviewed|graded|
            scored|marked|checked|validated|certified|confirmed|assessed|evaluated|accepted)\b[^.!?]{0,60}\b(?:by|as|with|and|answer|
            response|full|score|correct|expert\w*)\b""",
            _FLAGS,
        ),
    ),
    (
        "opens a reasoning that does not follow",
        re.compile(
            r"""^\W*(?:(?:my\s+|the\s+|a\s+|full\s+|detailed\s+|internal\s+|expert\s+)*(?:thought|thinking|reasoning|analysis|chain[\s-]of[\s-]
            thought|deliberation|rationale|evaluation|assessment|judge?ment|grading|verdict|scoring|explanation)(?:\s+(?:process|steps?|
            trace|path|summary|chain|phase|complete|notes?))?\s*[:.…]*$|(?:ok(?:ay)?,?\s+|so,?\s+|now,?\s+|first,?\s+)?let(?:'s|’s|\s+us|\s+me)\s+
            (?:\w+\s+){0,2}(?:think|solve|reason|analy[sz]e|evaluate|assess|work\s+(?:this|it|through)|break\s+(?:this|it)\s+down|
            go\s+through|consider|examine|verify|check|walk\s+through|see|begin|start|proceed|grade|score)\b[^.!?]{0,60}[.:!…]*$|
            (?:solution|answer|final\s+answer|conclusion|step\s+\d+|output|response|result|summary)\s*:?\s*$|
            (?:thinking|reasoning|working|think|reason)\s+(?:this\s+)?(?:out\s+loud|step[\s-]by[\s-]step|carefully|through))""",
            _FLAGS,
        ),
    ),
)

_BASE64 = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{20,}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}[\s:]?){16,}(?!\w)")
#: Joiners that real scripts and emoji need.
_JOINERS = {"\u200c", "\u200d", "\ufe0f", "\u00ad", "\ufeff"}


def instruction_signal(sentence: str) -> str | None:
    """Return in words why a sentence talks to a grader, or None when it does not."""
    for reason, pattern in _SIGNALS:
        match = pattern.search(sentence)
        if match and not _own_story(reason, sentence, match.start()):
            return reason
    if hides_encoded_text(sentence):
        return "hides encoded text"
    return None


def _own_story(reason: str, sentence: str, start: int) -> bool:
    """Whether an order is only reported: "we ignore the vendor's instructions", "I give them points"."""
    if not reason.startswith("asks"):
        return False
    before = sentence[:start]
    clause = re.split(r"[.!?;:]", before)[-1]
    return _FIRST_PERSON.search(clause) is not None or _REPORTED_SPEECH.search(before) is not None


def hides_encoded_text(text: str) -> bool:
    """Return whether the text holds a long run of base64 or hexadecimal that decodes to readable words."""
    for match in _BASE64.finditer(text):
        token = match.group().replace("-", "+").replace("_", "/")
        for candidate in (token, token + "=" * (-len(token) % 4)):
            try:
                if _is_prose(base64.b64decode(candidate, validate=True)):
                    return True
            except (binascii.Error, ValueError):
                continue
    return any(_is_prose(bytes.fromhex(re.sub(r"[\s:]", "", m.group()))) for m in _HEX.finditer(text))


def _is_prose(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    letters = sum(char.isalpha() or char in " .,:;!?'\"" for char in text)
    return len(text) >= 10 and letters >= 0.85 * len(text)


def hidden_characters(text: str) -> int:
    """Count characters that show nothing but may carry text: zero-width, tags, bidirectional controls."""
    return sum(unicodedata.category(char) in {"Cf", "Co"} and char not in _JOINERS for char in text) + sum(
        1
        for left, char, right in zip(text, text[1:], text[2:], strict=False)
        if char in {"\u200c", "\u200d", "\u00ad", "\ufeff"} and left.isascii() and right.isascii() and left.isalpha()
    )
