"""The request for the account's balance, which is free, and the meaning of its reply."""

from __future__ import annotations

import msgspec

from gateway.errors import GatewayError, Missing
from gateway.reads.port import Balance
from gateway.upstream.client.client import InterpretedResponse
from gateway.upstream.client.decoding import read_as
from gateway.upstream.client.errors import invalid_answer
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi import errors

TARGET = "/sys/balance"
DECODER = msgspec.json.Decoder(Balance)


def interpret(reply: Reply) -> InterpretedResponse[Balance]:
    subject = "the account's balance"
    result: Balance | GatewayError | None = errors.error_from_response(reply, subject) or _read(reply.body)
    result = result or errors.error_instead(reply, subject)
    if isinstance(result, Missing):
        result = invalid_answer(subject)
    return InterpretedResponse(reply, result, reply.body, charged=0, in_doubt=False)


def _read(body: bytes) -> Balance | None:
    try:
        return read_as(DECODER, body)
    except UndecodableResponse:
        return None
