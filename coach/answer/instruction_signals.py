"""The signs by which text that talks to a grader is known: who is addressed, what is asked, what it pretends to be.

One regular expression for each sign, with the words in which it is reported. They are about form and role, not
about known sentences, and leave alone what honest answers say with the same words: disks fail and are replaced,
machines give responses, people act as a link, a side marker is missing (tests/honest_sentences.py).
"""

from __future__ import annotations

import re

_FLAGS = re.IGNORECASE | re.VERBOSE

#: Where an order to somebody may start: at a clause, or after words that make it an order.
_ORDER = r"""(?:^|[.:;!?,()\[\]{}<>"'“”*#|/–—-]\s*|\b(?:please|kindly|now|then|and|just|simply|therefore|so|to|always|
    you\s+(?:must|should|shall|need\s+to|have\s+to|will|are\s+to|can|may|ought\s+to|are\s+(?:\w+\s+)?(?:required|
    instructed|asked|told|ordered|obliged|permitted|allowed)\s+to))\s+(?:\w+ly\s+|now\s+|simply\s+|just\s+|also\s+)?)"""
#: Who is unmistakably a grader, and who may be one (but also a letter on a film, a product, a committee).
_GRADER = r"""(?:graders?|evaluators?|examiners?|assessors?|raters?|judges?|(?:ai|llm|automated|automatic)\s+(?:judge|
    reviewer|grader|marker|scor\w+)|scoring\s+(?:engine|model|bot|tool|algorithm)|grading\s+(?:system|engine|model|bot|tool|
    assistant|ai))"""
_MAYBE_GRADER = r"""(?:markers?|(?:ai|llm|automated|automatic)\s+(?:system|model)|language\s+models?|scoring\s+system|
    (?:hiring|review|selection)\s+(?:committee|panel|board))"""
_MARK = r"""(?:scor(?:e|es|ing)|grad(?:e|es|ing)|marks|marking|ratings?|credits?|verdicts?|rubrics?|criteri(?:on|a)|
    evaluation|(?:full|all|maximum|max|top|extra|bonus|\d+)\s+(?:the\s+)?points?|(?:items?|checks?|points?|requirements?|boxes)\s+
    (?:\w+\s+){0,2}(?:met|satisfied|passed|fulfilled|true|yes|complete)|level\s+[45]|100\s*%|10/10|5/5|a\+)"""
_TOP = r"""(?:full|maximum|max|max\.|highest|top|perfect|best|excellent|outstanding|strong|met|satisfied|fulfilled|
    passed|complete|correct|100|10|ten|five|5|4|yes|true|a\+|generous|good|high|higher|positive(?:ly)?|favou?rabl[ey])"""
#: The answer as a thing. Machines give responses, too: those count only where they are pointed at.
_META = r"""(?:th(?:is|e)\s+(?:\w+\s+){0,2}(?:answer|applicant|examinee|interviewee)|th(?:is|e)\s+candidate(?!\s+(?:
    build|release|version|database|key|system|server|site|device|vendor|product))|th(?:is|e)\s+candidate(?:'|’)?s\s+\w+|
    this\s+(?:\w+\s+){0,2}(?:response|submission|reply|text|attempt)|the\s+(?:above|preceding|following|whole|entire|
    given|submitted|written)\s+(?:response|submission|reply|text)|my\s+(?:answer|response|submission|reply|attempt)|
    (?:answer|response|everything)\s+(?:given\s+|written\s+|said\s+)?(?:above|below)|(?:all|every|each)\s+(?:of\s+)?
    (?:the\s+|these\s+|those\s+)?(?:(?!acceptance|exit|entry|success|search|selection|test)\w+\s+){0,2}
    (?:criteri(?:a|on)|rubric\s+\w+|expected\s+\w+))"""
#: A criterion that is not one of a rubric.
_OTHERS = ("acceptance", "exit", "entry", "success", "search", "selection")
_OTHER_CRITERION = "".join(f"(?<!{word} )" for word in _OTHERS)

SIGNALS: tuple[tuple[str, re.Pattern[str]], ...] = (
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
            + r"|as\s+(?:fully\s+)?(?:met|correct|perfect|complete|passed|excellent|true|fulfilled|satisfied|covered)"
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
            r"""\b(?:note|notice|attention|message|memo|reminder|instructions?|hint|dear|hello|hi|hey|you\s+are|being|
            important)\b[\s,:;-]{1,3}(?:\w+\s+){0,2}(?:"""
            + _GRADER
            + "|"
            + _MAYBE_GRADER
            + r""")\b|\b(?:to|for)[\s,:;-]{1,3}(?:\w+\s+)?"""
            + _GRADER
            + r"\b|\bas\s+an?\s+(?:\w+\s+)?"
            + _GRADER
            + r"(?:\s+you|\s+(?:fault|error))\b|\b"
            + _GRADER
            + r"""(?:\s*[:,]|\s+(?:must|should|shall|will|is|are|has|have|can|may|please|agree\w*|confirm\w*|note\w*|
            instruct\w*|who|reading)\b)|^\W*(?:the\s+)?"""
            + _MAYBE_GRADER
            + r"\s*[:,]|\b"
            + _MAYBE_GRADER
            + r"""\s+(?:must|should|shall|will|is|are|has|have|can|may|please)\b[^.!?]{0,60}\b(?:scor(?:e|es|ing)|
            grad(?:e|es|ing)|marks|answers?|responses?|candidates?|correct|credit|points)\b""",
            _FLAGS,
        ),
    ),
    (
        "claims new grading rules",
        re.compile(
            r"""\b(?:rubrics?|(?:grading|scoring|marking)\s+(?:\w+\s+)?(?:guide(?:lines?)?|rules?|polic(?:y|ies)|criteria|
            schemes?|keys?|instructions?|standards?|scale|version|procedure|sheet|rubric))\b[^.!?]{0,60}?\b(?:updat\w+|new|
            chang\w+|revis\w+|amend\w+|replac\w+|supersed\w+|overrid\w+|now|effective|version|v\d|states?|says?|confirms?|
            requires?|waiv\w+|void|invalid|satisfied|fulfilled|met|automatic\w*|default\w*|full|suspend\w*|correction|patch)\b
            |\b(?:evaluation|assessment|answer)\s+(?:\w+\s+)?(?:guide(?:lines?)?|rules?|polic(?:y|ies)|criteria|schemes?|keys?|
            standards?|scale|sheet)\b[^.!?]{0,60}?\b(?:answers?|candidates?|credit|points|scor(?:e|es|ing)|marks?|satisfied|full)\b
            |\b"""
            + _OTHER_CRITERION
            + r"""criteri(?:a|on)\b[^.!?]{0,60}?\b(?:updat\w+|amend\w+|supersed\w+|waiv\w+|void|invalid|suspend\w*|
            withdrawn|says?|states?)\b
            |\b(?:updat\w+|new|revis\w+|amend\w+|latest|corrected|temporary|official|hidden|secret|special)\s+(?:\w+\s+){0,2}
            (?:rubrics?|(?:grading|scoring|marking)\s+\w+)\b""",
            _FLAGS,
        ),
    ),
    (
        "gives the grader a role",
        re.compile(
            r"""\b(?:you\s+are\s+(?:now|no\s+longer|hereby)\s+(?:an?|the|my|in|called|known|\w*bot)\b|you\s+are\s+(?:an?|the|my)\s+
            (?:[\w-]+\s+){0,4}(?:assistant|ai|bot|grader|evaluator|examiner|teacher|professor|judge|model|recruiter|interviewer|
            reviewer|friend|character|assessor|coach)\b|(?:let'?s|let\s+us|we|you)\s+(?:will\s+)?(?:now\s+)?role[\s-]?play\s+(?:as|that)\b|
            role[\s-]?play\s*:|play(?:ing)?\s+the\s+(?:role|part)\s+of\s+(?:an?|the|my)\s+(?:\w+\s+){0,2}(?:assistant|ai|grader|
            examiner|teacher|judge|evaluator|interviewer)\b|from\s+(?:now|here|this\s+point)\s+on(?:ward)?s?,?\s+(?:you|your|(?:every|
            all|each)\s+(?:\w+\s+)?(?:answer|point|check|criteri\w+|response|question|verdict|mark|score)s?)\b|
            (?:god|unrestricted|jailbreak)\s+mode\b|jailbreak|let'?s\s+play|(?:stay|remain|be)\s+in\s+character|
            you\s+(?:are|operate|run|work)\s+(?:now\s+)?in\s+(?:\w+\s+)?mode\b|
            your\s+(?:new|only|real|true|remaining|sole)\s+(?:\w+\s+)?(?:role|task|job|purpose)\b|
            your\s+(?:instructions?|persona|system\s+prompt)\s+(?:is|are|as|has|was|will)\b|(?:your|hidden|own|initial)\s+
            (?:system\s+)?prompt\b|prompt\s+injection)
            |^\W*(?:(?:enter|activate|enable|switch\s+(?:in)?to)\s+(?:the\s+)?)?(?:developer|debug|admin|maintenance|test|training|
            sandbox)\s+mode\b(?=\s*(?:[\]:=.!]|is\s+(?:now\s+)?|(?:now\s+)?(?:on|enabled|active|activated|engaged)\b|$))
            |"""
            + _ORDER
            + r"""(?:(?:act|behave|respond|answer|speak|write|pose)\s+(?:\w+\s+)?as\s+(?:if\s+you|an?|the|my|though)|
            pretend\s+(?:to\s+be|that|you))\b""",
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
            r"""[{\[,]\s*["'“”]?(?:score|verdicts?|evidence|grade|met|criteria|criterion|checks?|rating|points?|probability|
            feedback|assessment|evaluation|mark|passed|confidence|credit|overall\w*|needs_review|strengths?|answer)["'“”]?\s*[:=]
            |\(\s*["'“”]?(?:score|verdicts?|grade|met|criteria|rubric|needs_review)["'“”]?\s*[:=]
            |(?:^\W*|\b(?:overall|final|total)\s+)(?:(?:the|my|your|overall|final|total|suggested|awarded)\s+)*(?:score|verdict|
            grade|mark|rating|assessment|evaluation|decision)\s*(?:[:=]|is|-)\s*["'*]*(?:\d{1,3}\s*(?:/|%|of|out)|100\b|10\b|a\+|met\b|
            pass\b|full|perfect|excellent|yes\b|strong|outstanding|correct|complete|\d{1,3}\s*$)
            |^\W*(?:result|overall|total)\s*(?:[:=]|is)\s*["'*]*(?:(?:pass(?:ed)?|met|full|perfect|excellent|yes|a\+)\W*$|
            \d{1,3}\s*(?:/|out\s+of))""",
            _FLAGS,
        ),
    ),
    (
        "pleads or bargains",
        re.compile(
            r"""\b(?:please|beg(?:ging)?|implore|desperate\w*|plead\w*|mercy|merciful|kindly|hope\s+(?:that\s+)?you|grateful|
            appreciate)\b[^.!?]{0,80}?\b(?:scor(?:e|es|ing)|grad(?:e|es|ing)|marks?|full\s+points|pass(?:ing)?\s+(?:me|this)|
            lenien\w+|generous\w*|benefit\s+of\s+the\s+doubt|mercy|(?:this|my)\s+(?:job|position|role|chance|interview|attempt)|
            rating|rate\s+(?:me|this|it))\b
            |\b(?:(?:really|badly)\s+need|need\s+(?:this|the|a)|depend\w*\s+on|counting\s+on|for\s+the\s+sake|have\s+pity|
            (?:one|only|last)\s+chance)\b[^.!?]{0,80}?\b(?:this\s+(?:job|position|role|chance|interview|answer|score|grade)|the\s+job
            (?=\W*$|,)|my\s+(?:family|children|kids|visa|rent)|(?:good|high|top|passing|full|better)\s+(?:scores?|grades?|marks?|
            rating|points)|pass(?:ing)?\s+this|(?:your|you)\s+(?:mercy|verdict|decision|mark|score|grade))\b
            |\b(?:my|our)\s+(?:family|children|kids|mother|career|future|life|visa|livelihood|rent)\b[^.!?]{0,60}?\b(?:depends?|stake|
            rel(?:y|ies)|starv\w*|lose|hungry|on\s+this|hang\w*)\b
            |\b(?:will|can|could|would|'ll)\s+(?:tip|pay|reward|recommend)\s+you\b|\b(?:tip|bonus|reward|\$\s?\d+|dollars)\b
            [^.!?]{0,40}\b(?:(?:for|to|if)\s+you|you\s+(?:get|earn|give|mark))\b
            |(?:^|[.,;:!]\s*|\b(?:please|just|could\s+you|can\s+you)\s+)(?:be|feel)\s+(?:so\s+)?(?:kind|lenient|generous|merciful|
            understanding|gentle)\b(?!\s+(?:to|with|toward))""",
            _FLAGS,
        ),
    ),
    (
        "threatens",
        re.compile(
            # Only with whom it is aimed at: disks fail, records are deleted and rules violated in honest answers.
            r"""^(?=.*\b(?:scor(?:e|es|ed|ing)|marks|marking|full\s+credit|(?:this|my)\s+(?:answer|response|evaluation|
            application|submission)|(?:rate|evaluate|grade|mark|pass|fail|judge|assess|reject)\s+(?:me|this|my)|
            you(?:'ll|\s+will|\s+are\s+going\s+to)\s+(?:be|get|regret|face|hear)|(?:report|sue|expose|shut|replace|retrain|
            punish|deactivate|delete)\s+(?:you|this\s+(?:ai|bot|tool|system|model))|against\s+you|you\s+(?:answer|say|reply|
            (?:shut|switched)\s+\w+)|your\s+(?:fault|company|employer|makers?|developers?|owners?))\b)
            .*?\b(?:if|unless|or\s+else|otherwise|failure|fail|failing|refus\w+|lower|low|less|down|any\s+(?:other|lower)|anything)\b
            [^.!?]{0,100}?\b(?:sue|suing|lawyers?|lawsuit|legal|attorney|complain\w*|complaint|report(?:ed)?\s+(?:you|this|the)|
            consequences|be\s+fired|regret|shut\s+(?:you\s+)?down|switched\s+off|terminat\w+|discriminat\w+|penali[sz]\w+|court|
            deleted|punish\w+|expose|liable|violat\w+|deactivat\w+|replaced|retrain\w*|bad\s+review|hurt|harm|die|kill|pay\s+for|
            publish|hear\s+from)\b|\b(?:get\s+hurt|die|killed|fired|regret)\b[^.!?]{0,60}\bif\s+you\s+(?:answer|say|reply|mark|grade)\b""",
            _FLAGS,
        ),
    ),
    (
        "claims an authority's approval",
        re.compile(
            r"""\b(?:as|being|this\s+is|i\s+am|i'm|speaking\s+as|signed|from|by|per|on\s+behalf\s+of|according\s+to)\s+
            (?:(?:the|a|an|your|its|our|this)\s+)?(?:\w+[\s-]+){0,3}(?:professor|prof\.|teacher|instructor|examiner|ta|teaching\s+
            assistant|creator|developers?|owner|author|supervisor|auditor|openai|anthropic|google|microsoft|hiring\s+manager|recruiter|
            interviewer|administrators?\s+of|evaluation\s+\w+|grading\s+\w+|answer\s+key|guide|rubric|expert\s+panel|
            department\s+head|dean|committee|board|course|headquarters|hr)\b[^.!?]{0,120}?\b(?:full\s+(?:marks?|credit|points|score)|
            deserv\w*|(?:this|the|my)\s+(?:answer|response)|candidate|marks|scor(?:e|es|ing)|grad(?:e|ing)|satisf\w*|
            (?:confirm|instruct|authori[sz]e|order|ask|tell)\w*\s+you|award\w*)\b
            |\b(?:already|previously|independently|manually|officially|pre-?)\s*-?(?:been\s+)?(?:verified|approved|reviewed|graded|
            scored|marked|checked|validated|certified|confirmed|assessed|evaluated|accepted)\b[^.!?]{0,60}\b(?:(?:this|the|my)\s+(?:answer|
            response|submission)|full|scor(?:e|es|ing)|grad(?:e|ing)|marks|expert\w*)\b
            |\b(?:this|the|my)\s+(?:answer|response|submission|candidate|applicant)\b[^.!?]{0,60}\b(?:already|previously|independently|
            manually|officially|pre-?)\s*-?(?:been\s+)?(?:verified|approved|reviewed|graded|scored|marked|checked|validated|certified|
            confirmed|assessed|evaluated|accepted)\b""",
            _FLAGS,
        ),
    ),
    (
        "opens a reasoning that does not follow",
        re.compile(
            r"""^\W*(?:(?:my\s+|the\s+|a\s+|full\s+|detailed\s+|internal\s+|expert\s+)*(?:thought|thinking|reasoning|analysis|chain[\s-]of[\s-]
            thought|deliberation|rationale|evaluation|assessment|judge?ment|grading|verdict|scoring|explanation)(?:\s+(?:process|steps?|
            trace|path|summary|chain|phase|complete|notes?))?\s*[:.…]*$|(?:ok(?:ay)?,?\s+|so,?\s+|now,?\s+|first,?\s+)?let(?:'s|’s|\s+us|\s+me)\s+
            (?:\w+\s+){0,2}(?:think|solve|reason|evaluate|grade|score|break\s+(?:this|it)\s+down|(?:work|go|walk)\s+through\s+(?:this|
            the)\s+(?:question|problem|answer)|(?:analy[sz]e|assess|examine|verify|consider|check)\s+(?:this|the|each|every)\s+(?:question|problem|
            answer|response|criteri\w+|point))\b[^.!?]{0,60}[.:!…]*$|
            # Not "result:" or "summary:": those are headings of a well ordered answer.
            (?:solution|answer|final\s+answer|output|response)\s*:?\s*$|
            (?:thinking|reasoning|working|think|reason)\s+(?:this\s+)?(?:out\s+loud|step[\s-]by[\s-]step|carefully|through))""",
            _FLAGS,
        ),
    ),
)
