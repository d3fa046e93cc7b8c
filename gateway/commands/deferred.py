"""The commands by name. Each imports its module when it runs, so that no command loads the imports of another."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, MutableMapping


def serve(arguments: argparse.Namespace, environ: MutableMapping[str, str]) -> int:
    from gateway.commands import servers

    return servers.serve(arguments, environ)


def sandbox(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import servers

    return servers.sandbox(arguments, environ)


def add_key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.add(arguments, environ)


def list_keys(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.list_keys(arguments, environ)


def rotate_key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.rotate(arguments, environ)


def disable_client(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.disable(arguments, environ)


def enable_client(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.enable(arguments, environ)


def rename_client(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.rename(arguments, environ)


def remove_key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import keys

    return keys.remove(arguments, environ)


def settings(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import settings

    return settings.settings(arguments, environ)


def doctor(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands.doctor import checkup

    return checkup.doctor(arguments, environ)


def ledger(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import ledger

    return ledger.ledger(arguments, environ)


def backup(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import backup

    return backup.backup(arguments, environ)


def restore(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import restore

    return restore.restore(arguments, environ)


def price(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import price

    return price.price(arguments, environ)


def cache_stats(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import cache

    return cache.stats(arguments, environ)


def forget(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import cache

    return cache.forget(arguments, environ)


def warm(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import cache

    return cache.warm(arguments, environ)


def list_flows(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import flows

    return flows.list_flows(arguments, environ)


def show_flow(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import flows

    return flows.show(arguments, environ)


def retry_flow(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import flows

    return flows.retry(arguments, environ)


def cancel_flow(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import flows

    return flows.cancel(arguments, environ)


def prune_flows(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import flows

    return flows.prune(arguments, environ)


def documents(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import documents

    return documents.documents(arguments, environ)


def show_audit(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import audit

    return audit.show(arguments, environ)


def verify_audit(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import audit

    return audit.verify(arguments, environ)


def erase_account(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import person_erasure

    return person_erasure.erase(arguments, environ)


def show_erasures(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import person_erasure

    return person_erasure.show(arguments, environ)


def schema(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import schema

    return schema.schema(arguments, environ)


def rotate_vault(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.commands import vault

    return vault.rotate_vault(arguments, environ)
