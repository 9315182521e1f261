# SPDX-License-Identifier: Apache-2.0
"""The words of the pages, by language. English stands in for every language that is not here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Text:
    """One page: a heading, a sentence or two, what the button or link says where there is one, and a note below."""

    heading: str
    body: str
    action: str | None = None
    note: str | None = None


Texts = dict[str, Text]

TEXTS: dict[str, Texts] = {
    "en": {
        "start": Text(
            heading="Confirm who you are",
            body="Have your identity document and a device with a camera at hand. It takes a few minutes.",
            action="Start",
            note="You will be taken to our partner Jumio, who carries out the check.",
        ),
        "continue": Text(
            heading="One moment, please",
            body="You are being taken to our partner Jumio, who carries out the check.",
            action="Continue",
            note="If nothing happens, please press the button.",
        ),
        "verified": Text(
            heading="Your identity is confirmed",
            body="There is nothing more to do. You can close this page.",
        ),
        "review": Text(
            heading="We are looking at it",
            body="One of our staff is reviewing what you sent. There is nothing more to do for now.",
        ),
        "rejected": Text(
            heading="We could not confirm your identity",
            body="If you think this is a mistake, please contact support.",
        ),
        "expired": Text(
            heading="This link has expired",
            body="Please sign in again to get a new one, or ask support for it.",
        ),
        "unknown": Text(
            heading="This link does not work",
            body="Please check that you have opened the whole link, or ask support for a new one.",
        ),
        "later": Text(
            heading="Please try again later",
            body="We cannot continue at the moment. Nothing is lost, and you can use the same link again.",
        ),
    },
    "de": {
        "start": Text(
            heading="Bestätigen Sie Ihre Identität",
            body="Halten Sie Ihr Ausweisdokument und ein Gerät mit Kamera bereit. Es dauert nur wenige Minuten.",
            action="Beginnen",
            note="Sie werden zu unserem Partner Jumio weitergeleitet, der die Prüfung durchführt.",
        ),
        "continue": Text(
            heading="Einen Moment, bitte",
            body="Sie werden zu unserem Partner Jumio weitergeleitet, der die Prüfung durchführt.",
            action="Weiter",
            note="Wenn nichts geschieht, nutzen Sie bitte die Schaltfläche.",
        ),
        "verified": Text(
            heading="Ihre Identität ist bestätigt",
            body="Es ist nichts weiter zu tun. Sie können diese Seite schließen.",
        ),
        "review": Text(
            heading="Ihre Angaben werden geprüft",
            body="Unsere Mitarbeitenden sehen sich an, was Sie gesendet haben. Im Moment ist nichts weiter zu tun.",
        ),
        "rejected": Text(
            heading="Wir konnten Ihre Identität nicht bestätigen",
            body="Wenn Sie glauben, dass das ein Irrtum ist, wenden Sie sich bitte an den Support.",
        ),
        "expired": Text(
            heading="Dieser Link ist abgelaufen",
            body="Bitte melden Sie sich erneut an, um einen neuen zu erhalten, oder wenden Sie sich an den Support.",
        ),
        "unknown": Text(
            heading="Dieser Link funktioniert nicht",
            body="Bitte prüfen Sie, ob Sie den vollständigen Link geöffnet haben, oder wenden Sie sich an den Support.",
        ),
        "later": Text(
            heading="Bitte versuchen Sie es später noch einmal",
            body="Im Moment können wir nicht fortfahren. Es geht nichts verloren, und der Link bleibt derselbe.",
        ),
    },
    "fr": {
        "start": Text(
            heading="Confirmez votre identité",
            body="Préparez votre pièce d’identité et un appareil muni d’une caméra. Comptez quelques minutes.",
            action="Commencer",
            note="Vous serez redirigé vers notre partenaire Jumio, qui effectue la vérification.",
        ),
        "continue": Text(
            heading="Un instant, s’il vous plaît",
            body="Vous allez être redirigé vers notre partenaire Jumio, qui effectue la vérification.",
            action="Continuer",
            note="Si rien ne se passe, veuillez appuyer sur le bouton.",
        ),
        "verified": Text(
            heading="Votre identité est confirmée",
            body="Vous n’avez plus rien à faire. Vous pouvez fermer cette page.",
        ),
        "review": Text(
            heading="Votre dossier est en cours d’examen",
            body="Notre équipe examine ce que vous avez envoyé. Vous n’avez rien d’autre à faire pour le moment.",
        ),
        "rejected": Text(
            heading="Nous n’avons pas pu confirmer votre identité",
            body="Si vous pensez qu’il s’agit d’une erreur, veuillez contacter l’assistance.",
        ),
        "expired": Text(
            heading="Ce lien a expiré",
            body="Veuillez vous reconnecter pour en obtenir un nouveau, ou contacter l’assistance.",
        ),
        "unknown": Text(
            heading="Ce lien ne fonctionne pas",
            body="Veuillez vérifier que vous avez ouvert le lien en entier, ou contacter l’assistance.",
        ),
        "later": Text(
            heading="Veuillez réessayer plus tard",
            body="Nous ne pouvons pas continuer pour le moment. Rien n’est perdu, et le même lien reste utilisable.",
        ),
    },
    "es": {
        "start": Text(
            heading="Confirme su identidad",
            body="Tenga a mano su documento de identidad y un dispositivo con cámara. Solo le llevará unos minutos.",
            action="Empezar",
            note="Le llevaremos a la página de nuestro socio Jumio, que realiza la comprobación.",
        ),
        "continue": Text(
            heading="Un momento, por favor",
            body="Le estamos llevando a la página de nuestro socio Jumio, que realiza la comprobación.",
            action="Continuar",
            note="Si no ocurre nada, pulse el botón.",
        ),
        "verified": Text(
            heading="Su identidad está confirmada",
            body="No tiene que hacer nada más. Puede cerrar esta página.",
        ),
        "review": Text(
            heading="Lo estamos revisando",
            body="Nuestro equipo está revisando lo que ha enviado. Por ahora no tiene que hacer nada más.",
        ),
        "rejected": Text(
            heading="No hemos podido confirmar su identidad",
            body="Si cree que se trata de un error, póngase en contacto con el servicio de asistencia.",
        ),
        "expired": Text(
            heading="Este enlace ha caducado",
            body="Vuelva a iniciar sesión para obtener uno nuevo, o solicítelo al servicio de asistencia.",
        ),
        "unknown": Text(
            heading="Este enlace no funciona",
            body="Compruebe que ha abierto el enlace completo, o solicite uno nuevo al servicio de asistencia.",
        ),
        "later": Text(
            heading="Vuelva a intentarlo más tarde",
            body="En este momento no podemos continuar. No se ha perdido nada, y puede volver a usar el mismo enlace.",
        ),
    },
}


def texts_for(locale: str | None) -> tuple[str, Texts]:
    """(language, its texts) for a locale such as `de` or `de-AT`."""
    language = (locale or "en").partition("-")[0].lower()
    return (language, TEXTS[language]) if language in TEXTS else ("en", TEXTS["en"])
