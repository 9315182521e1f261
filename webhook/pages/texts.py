# SPDX-License-Identifier: Apache-2.0
"""The words of the pages, by language. English stands in for every language that is not here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Text:
    """One page: a heading, a sentence or two, and what the button or link says where there is one."""

    heading: str
    body: str
    action: str | None = None


Texts = dict[str, Text]

TEXTS: dict[str, Texts] = {
    "en": {
        "start": Text(
            heading="Confirm who you are",
            body="You will need an identity document and a camera. It takes a few minutes.",
            action="Start",
        ),
        "continue": Text(
            heading="One moment",
            body="You are being taken to our partner Jumio, who checks your document.",
            action="Continue",
        ),
        "verified": Text(heading="You are verified", body="There is nothing more to do. You can close this page."),
        "review": Text(
            heading="We are looking at it",
            body="Somebody is reviewing what you sent. There is nothing more to do for now.",
        ),
        "rejected": Text(
            heading="We could not confirm who you are",
            body="If you think this is a mistake, please contact support.",
        ),
        "expired": Text(
            heading="This link has expired",
            body="Sign in again to get a new one, or ask support for it.",
        ),
        "unknown": Text(
            heading="This link does not work",
            body="Please check that you have opened the whole link, or ask support for a new one.",
        ),
        "later": Text(
            heading="Please try again later",
            body="We cannot start this right now. Nothing is lost: the same link will work.",
        ),
    },
    "de": {
        "start": Text(
            heading="Bestätigen Sie, wer Sie sind",
            body="Sie brauchen ein Ausweisdokument und eine Kamera. Es dauert wenige Minuten.",
            action="Beginnen",
        ),
        "continue": Text(
            heading="Einen Moment",
            body="Sie werden zu unserem Partner Jumio weitergeleitet, der Ihr Dokument prüft.",
            action="Weiter",
        ),
        "verified": Text(
            heading="Ihre Identität ist bestätigt",
            body="Es ist nichts weiter zu tun. Sie können diese Seite schließen.",
        ),
        "review": Text(
            heading="Wir sehen es uns an",
            body="Jemand prüft, was Sie geschickt haben. Im Moment ist nichts weiter zu tun.",
        ),
        "rejected": Text(
            heading="Wir konnten Ihre Identität nicht bestätigen",
            body="Wenn Sie glauben, dass das ein Irrtum ist, wenden Sie sich bitte an den Support.",
        ),
        "expired": Text(
            heading="Dieser Link ist abgelaufen",
            body="Melden Sie sich erneut an, um einen neuen zu erhalten, oder fragen Sie den Support danach.",
        ),
        "unknown": Text(
            heading="Dieser Link funktioniert nicht",
            body="Bitte prüfen Sie, ob Sie den ganzen Link geöffnet haben, oder fragen Sie den Support.",
        ),
        "later": Text(
            heading="Bitte versuchen Sie es später noch einmal",
            body="Wir können das gerade nicht beginnen. Es geht nichts verloren: Derselbe Link wird funktionieren.",
        ),
    },
}


def texts_for(locale: str | None) -> tuple[str, Texts]:
    """(language, its texts) for a locale such as `de` or `de-AT`."""
    language = (locale or "en").partition("-")[0].lower()
    return (language, TEXTS[language]) if language in TEXTS else ("en", TEXTS["en"])
