"""Text that a chat endpoint wrote, as it can be read aloud: without markup, emoji and code, and not for ever."""

import re
import unicodedata

from backend.features.voice.messages import MAX_TEXT

_MOST = 4 * MAX_TEXT  # characters that are looked at

_HIDDEN = re.compile(r"<think>.*?(</think>|\Z)|```.*?(```|\Z)|~~~.*?(~~~|\Z)|<!--.*?(-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\((?:[^()\n]|\([^()\n]*\)){0,500}\)")
_ADDRESS = re.compile(r"\bhttps?://\S+")
_RULE = re.compile(r"^[-*_=|: \t]{3,}$", re.MULTILINE)
_LEAD = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|>|[-*+•][ \t])+", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`+|(?<!\w)_{1,3})(?=\S)(.{1,300}?)(?<=\S)\1(?!\w)")
_BEFORE_A_STOP = re.compile(r"\s+(?=[.,;:!?…])")
_END = re.compile(r"[.!?…](?=[\"')\]»”]*(\s|$))")

_STOPS = (".", "!", "?", "…", ":", ";", ",")
_SYMBOLS = frozenset("°©®\n")
_ARROWS = "\u2190", "\u21ff"
_UNSPEAKABLE = frozenset({"So", "Sk", "Cc", "Cf", "Co", "Cn", "Cs"})
_MODIFIERS = frozenset("\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}")


def aloud(text: str, *, cut_off: bool = False) -> str:
    """Return what to say. ``cut_off``: the text ends anywhere, so it is cut after its last whole sentence, or word."""
    text = _HIDDEN.sub(" ", text.rpartition("</think>")[2])
    cut_off = cut_off or len(text) > _MOST
    text = _RULE.sub("", _TAG.sub(" ", _ADDRESS.sub(" ", _LINK.sub(r"\1", text[:_MOST]))))
    text = _LEAD.sub("", text)
    for _ in range(2):  # bold in italics
        text = _EMPHASIS.sub(r"\2", text)
    text = "".join(_spoken(each) for each in unicodedata.normalize("NFC", text.replace("|", ", ")))
    said = " ".join(sentence for line in text.splitlines() if (sentence := _as_sentence(line)))
    if cut_off and not text.rstrip().endswith(_STOPS):
        said = said.removesuffix(".")  # it is ours
    return _whole_sentences(said[:MAX_TEXT]) if cut_off or len(said) > MAX_TEXT else said


def _spoken(character: str) -> str:
    """Return a character, or a gap for an emoji, an arrow, a line: what a voice would spell out."""
    if character in _MODIFIERS:
        return ""
    if _ARROWS[0] <= character <= _ARROWS[1]:
        return " "
    kind = unicodedata.category(character)
    if character in _SYMBOLS or kind not in _UNSPEAKABLE:
        return character
    return "" if kind == "Cf" else " "


def _as_sentence(line: str) -> str:
    """Return a line as a sentence: the items of a list are not one."""
    words = _BEFORE_A_STOP.sub("", " ".join(line.split())).strip(" ,")
    return words if words.endswith(_STOPS) or not words else f"{words}."


def _whole_sentences(text: str) -> str:
    ends = [end.end() for end in _END.finditer(text)]
    return text[: ends[-1]] if ends else text.rpartition(" ")[0] or text
