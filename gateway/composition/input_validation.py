"""The validation of what is to be published: inputs, uploaded files, and the URLs of media."""

from __future__ import annotations

from gateway.domain.proxies import Proxies
from gateway.publishing.validation import InputValidator
from gateway.uploads.normalization import MediaNormalizer
from gateway.uploads.spool import Spool
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.url_probe import Probe
from gateway.upstream.platforms.port import Publisher, Stories


def input_validator(spool: Spool, publisher: Publisher, proxies: Proxies) -> tuple[InputValidator, Probe]:
    """Return the validator, and the probe of URLs that it uses: the caller closes it."""
    probe = Probe.over_network(AddressPolicy(), proxies=proxies)
    publishes_uploaded = isinstance(publisher, Stories)
    validator = InputValidator(MediaNormalizer(spool), probe, publisher.traits, publishes_uploaded=publishes_uploaded)
    return validator, probe
