"""Discord's JSON error codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json."""

from __future__ import annotations

_TEXTS = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40333: (403, "internal network error"),
    50001: (403, "Missing Access"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
}


class RefusedError(Exception):
    """An error response; `field` is `name: reason` for an invalid form body."""

    def __init__(self, code: int, field: str = "") -> None:
        self.status, self.text = _TEXTS[code]
        self.code = code
        self.field = field
        super().__init__(f"{code} {self.text} {field}")

    def body(self) -> dict[str, object]:
        """Return the JSON body of the response."""
        body: dict[str, object] = {"message": self.text, "code": self.code}
        if self.field:
            name, _, reason = self.field.partition(": ")
            body["errors"] = {name: {"_errors": [{"code": "BASE_TYPE_INVALID", "message": reason}]}}
        return body


def malformed(field: str) -> RefusedError:
    """Return the error for an invalid form body; `field` is `name: reason`."""
    return RefusedError(50035, field)
