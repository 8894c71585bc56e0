"""`operator models`: the models that Kuas knows, which of them are offered, and what each costs now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli.check.network import open_network
from bot.cli.output import FAILED, one_line, print_error, print_line
from bot.config import loader
from bot.domain.errors import KuasError
from bot.rivya.client import RivyaClient, open_session

if TYPE_CHECKING:
    import argparse

    from bot.domain.model_catalog import CatalogEntry


async def run(args: argparse.Namespace) -> int:
    """Print a line for each model; 1 if Rivya's list cannot be read, which needs no key.

    Raises:
        SettingsError: the settings of Rivya or of the network are wrong.
    """
    loaded = loader.load_models(args.config)
    catalog, error = loaded.rivya.catalog, None
    async with open_session(open_network(loaded.network)) as session:
        rivya = RivyaClient(session, base_url=loaded.rivya.base_url, api_key="")
        try:
            catalog.update(await rivya.models())
        except KuasError as failure:
            error = failure
    for entry in catalog.entries():
        print_line(_line(entry))
    if error is None:
        return 0
    print_error(f"Rivya's list of models cannot be read, so these are the prices of the table: {error}")
    return FAILED


def _line(entry: CatalogEntry) -> str:
    model = entry.model
    unit = "credit" if model.cost_credits == 1 else "credits"
    facts = [f"{model.cost_credits} {unit}", "offered" if entry.is_offered else "not offered"]
    if model.cost_credits != entry.table_credits:
        facts.append(f"{entry.table_credits} in the table")
    if entry.is_available is False:
        facts.append("not available now")
    return f"{one_line(model.model_id)}: {', '.join(facts)}"
