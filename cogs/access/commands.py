"""`/access`: which members may paint, where, how often, and with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.access import WORD_LIMIT, AccessRule, Effect, RuleTarget
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.jobs import MOST_PICTURES
from bot.domain.text_folding import fold_text
from bot.guilds.settings import GuildSetting
from cogs.access import views
from cogs.access.views import REASON_UNITS
from cogs.text.escaping import single_line, split_list
from cogs.ui.context import not_a_member, require_manage_guild
from cogs.ui.discord_limits import CHOICE_UNITS, autocomplete_choices, fixed_choices
from cogs.ui.layout import build_view
from cogs.ui.model_names import find_model, matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.model_catalog import ModelCatalog
    from bot.guilds.access_rules import AccessRuleStore
    from bot.guilds.settings import GuildSettingsStore

MAX_COOLDOWN_SECONDS: Final = 24 * 60 * 60
MAX_RUNNING: Final = 50
MAX_BLOCK_DAYS: Final = 3650
WORDS_UNITS: Final = 1000
"""The longest list of words that can be typed at once."""

MODES: Final = fixed_choices(views.MODES)
MODEL_MODES: Final = fixed_choices(views.MODEL_MODES)
SWITCHES: Final = fixed_choices(views.SWITCHES)
BUTTON_OWNERS: Final = fixed_choices(views.BUTTON_OWNERS)
Channel = (
    discord.TextChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.ForumChannel
    | discord.CategoryChannel
)


# Discord's menus hide it from everybody else; what enforces it is `require_manage_guild`.
@app_commands.default_permissions(manage_guild=True)
class Access(commands.GroupCog, group_name="access", group_description="Who may paint here, where, and how"):
    """Shows and changes the access rules and access settings of a server."""

    def __init__(
        self, access_rules: AccessRuleStore, guilds: GuildSettingsStore, catalog: ModelCatalog
    ) -> None:
        self._access_rules = access_rules
        self._guild_settings = guilds
        self._catalog = catalog
        if self.app_command is not None and not any(model.can_loosen for model in catalog.offered):
            self.app_command.remove_command(self.safety.name)

    @app_commands.command(description="Show who may paint here, where, how often, and with which words")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show all rules and settings in one message."""
        guild_id = require_manage_guild(interaction)
        policy = await self._access_rules.policy(guild_id)
        await interaction.response.send_message(view=views.policy_view(policy), ephemeral=True)

    @app_commands.command(description="Let only some roles paint, or keep some from painting")
    @app_commands.describe(role="Which role", mode="Which rule applies to them")
    @app_commands.choices(mode=MODES)
    async def role(self, interaction: discord.Interaction, role: discord.Role, mode: str) -> None:
        """Set or remove a role's rule; a role that may not paint wins over one that may."""
        problem = views.everybodys_role() if role.is_default() else ""
        await self._set_mode(interaction, RuleTarget.ROLE, role.id, mode, problem)

    @app_commands.command(description="Let pictures be painted only in some channels, or not in others")
    @app_commands.describe(
        channel="Which channel (with its threads) or category", mode="Which rule applies there"
    )
    @app_commands.choices(mode=MODES)
    async def channel(self, interaction: discord.Interaction, channel: Channel, mode: str) -> None:
        """Set or remove a rule, which applies to a channel's threads and to a category's channels."""
        await self._set_mode(interaction, RuleTarget.CHANNEL, channel.id, mode)

    @app_commands.command(description="Allow or deny a model: to everybody, to a role, or in a channel")
    @app_commands.describe(
        model="Which model",
        mode="Which rule applies to it",
        role="For members with which role; without role and channel, for everybody",
        channel="In which channel (with its threads) or category",
    )
    @app_commands.choices(mode=MODEL_MODES)
    async def model(
        self,
        interaction: discord.Interaction,
        model: app_commands.Range[str, 1, CHOICE_UNITS],
        mode: str,
        role: discord.Role | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Set or remove a rule about a model; also remove one about a model that is not offered any more."""
        require_manage_guild(interaction)
        rule = self._model_rule(model, mode, role, channel, set_by=interaction.user.id)
        if role is not None and channel is not None:
            await self._set(interaction, (), views.not_both())
        elif mode == "lift":
            await self._remove(interaction, rule.kind, rule.subject, rule.model)
        else:
            unknown = self._catalog.find(rule.model) is None
            await self._set(interaction, (rule,), views.unknown_model(model) if unknown else "")

    def _model_rule(
        self, typed: str, mode: str, role: discord.Role | None, channel: Channel | None, *, set_by: int
    ) -> AccessRule:
        model_id = find_model(self._catalog, typed)
        model = self._catalog.find(model_id)
        kind, subject = RuleTarget.MODEL, model_id
        if role is not None and not role.is_default():
            kind, subject = RuleTarget.MODEL_ROLE, str(role.id)
        elif channel is not None:
            kind, subject = RuleTarget.MODEL_CHANNEL, str(channel.id)
        effect = Effect.ALLOW if mode == "allow" else Effect.DENY
        name = "" if model is None else model.name
        return AccessRule(kind, subject, effect, words=name, model=model_id, set_by=set_by)

    @model.autocomplete("model")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Complete the name of a model: the offered ones, then those that only rules are about."""
        offered = {model.model_id: model.name for model in self._catalog.offered}
        gone: dict[str, str] = {}
        if interaction.guild_id is not None and interaction.permissions.manage_guild:
            rules = (await self._access_rules.policy(interaction.guild_id)).rules
            ruled = {rule.model: rule.words or rule.model for rule in rules if rule.model}
            gone = {model_id: name for model_id, name in ruled.items() if model_id not in offered}
        return autocomplete_choices((name, model_id) for model_id, name in matching(offered | gone, typed))

    @app_commands.command(description="Block words: prompts that contain one are refused")
    @app_commands.describe(words="One or several, separated by commas; whole words, however spelt, and emoji")
    async def forbid(
        self, interaction: discord.Interaction, words: app_commands.Range[str, 1, WORDS_UNITS]
    ) -> None:
        """Add a rule for each word or phrase, and name those that cannot be compared with a prompt.

        Nothing is changed if one is too long.
        """
        typed = list(filter(None, split_list(words, 2 * WORDS_UNITS)))
        too_long = next((word for word in typed if len(word) > WORD_LIMIT), None)
        taken = {folded: word for word in typed if (folded := fold_text(word))}
        rules = [
            AccessRule(RuleTarget.WORD, folded, Effect.DENY, words=word, set_by=interaction.user.id)
            for folded, word in taken.items()
        ]
        problem = "" if rules else views.no_words()
        left_out = [word for word in typed if not fold_text(word)]
        await self._set(
            interaction,
            rules,
            problem if too_long is None else views.long_word(too_long),
            views.words_left_out(left_out) if left_out else "",
        )

    @app_commands.command(description="Allow a blocked word again")
    @app_commands.describe(word="Which word")
    async def permit(
        self, interaction: discord.Interaction, word: app_commands.Range[str, 1, WORD_LIMIT]
    ) -> None:
        """Remove the rule for a word, whatever its case, accents and spaces."""
        await self._remove(interaction, RuleTarget.WORD, fold_text(single_line(word, 2 * WORD_LIMIT)))

    @permit.autocomplete("word")
    async def blocked(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer the blocked words that contain what is typed; none to who may not see them."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return []
        rules = (await self._access_rules.policy(interaction.guild_id)).rules
        words = [rule.words for rule in rules if rule.kind is RuleTarget.WORD]
        return autocomplete_choices((word, word) for word in words if fold_text(typed) in fold_text(word))

    @app_commands.command(description="Keep a member from painting here, for some days or for good")
    @app_commands.describe(
        member="Which member",
        reason="Why; the member is told, and it is kept in the log",
        days="For how many days; without it, for good",
    )
    async def block(
        self,
        interaction: discord.Interaction,
        member: discord.Member | discord.User,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
        days: app_commands.Range[int, 1, MAX_BLOCK_DAYS] | None = None,
    ) -> None:
        """Block a member; their requests that were accepted before are still painted."""
        rule = AccessRule(
            RuleTarget.MEMBER,
            str(member.id),
            Effect.DENY,
            reason=single_line(reason, REASON_UNITS),
            expires_at=None if days is None else now_ms() + days * DAY_MS,
            set_by=interaction.user.id,
        )
        await self._set(interaction, (rule,), not_a_member(member) if member.bot else "")

    @app_commands.command(description="Let a member paint here again")
    @app_commands.describe(member="Which member")
    async def unblock(self, interaction: discord.Interaction, member: discord.Member | discord.User) -> None:
        """Remove the rule about a member; they may paint from now on."""
        await self._remove(interaction, RuleTarget.MEMBER, str(member.id))

    @app_commands.command(description="Put pictures of a role, or in a channel, behind a spoiler")
    @app_commands.describe(switch="On or off", role="Pictures of which role", channel="In which channel")
    @app_commands.choices(switch=SWITCHES)
    async def spoiler(
        self,
        interaction: discord.Interaction,
        switch: str,
        role: discord.Role | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Set or remove the spoiler of one role or one channel, which members cannot turn off."""
        subject = role or channel
        kind = RuleTarget.SPOILER_CHANNEL if role is None else RuleTarget.SPOILER_ROLE
        if subject is None or (role is not None and channel is not None):
            await self._set(interaction, (), views.role_or_channel())
        elif switch == "on":
            rule = AccessRule(kind, str(subject.id), Effect.ALLOW, set_by=interaction.user.id)
            await self._set(interaction, (rule,))
        else:
            await self._remove(interaction, kind, str(subject.id))

    @app_commands.command(description="Let members wait between two pictures")
    @app_commands.describe(seconds="How many seconds; 0 for no wait")
    async def cooldown(
        self, interaction: discord.Interaction, seconds: app_commands.Range[int, 0, MAX_COOLDOWN_SECONDS]
    ) -> None:
        """Set the pause, which begins when a request is accepted."""
        value = str(seconds) if seconds else None
        await self._change(interaction, GuildSetting.COOLDOWN_SECONDS, value, views.cooldown_text(seconds))

    @app_commands.command(description="Limit how many pictures a member may have under way at once")
    @app_commands.describe(pictures="How many; 0 for as many as they like")
    async def running(
        self, interaction: discord.Interaction, pictures: app_commands.Range[int, 0, MAX_RUNNING]
    ) -> None:
        """Set how many requests of one member may be unfinished; running ones are not cancelled."""
        value = str(pictures) if pictures else None
        await self._change(interaction, GuildSetting.RUNNING_LIMIT, value, views.running_limit_text(pictures))

    @app_commands.command(description="Limit how many pictures one request may be for")
    @app_commands.describe(most="How many at most; 1 for one at a time")
    async def pictures(
        self, interaction: discord.Interaction, most: app_commands.Range[int, 1, MOST_PICTURES]
    ) -> None:
        """Set for how many pictures members may ask at once, of one model or one of each to compare."""
        value = str(most) if most < MOST_PICTURES else None
        await self._change(interaction, GuildSetting.PICTURE_LIMIT, value, views.picture_limit_text(most))

    @app_commands.command(description="Let pictures be painted in age-restricted channels only")
    @app_commands.describe(switch="On or off")
    @app_commands.choices(switch=SWITCHES)
    async def adults(self, interaction: discord.Interaction, switch: str) -> None:
        """Restrict painting to age-restricted channels, in addition to the rules about channels."""
        value, text = ("on" if switch == "on" else None), views.age_restriction_text(only=switch == "on")
        await self._change(interaction, GuildSetting.AGE_RESTRICTED_ONLY, value, text)

    @app_commands.command(description="Loosen the models' safety checks in age-restricted channels")
    @app_commands.describe(switch="On to loosen them there; off to keep them as strict as everywhere")
    @app_commands.choices(switch=SWITCHES)
    async def safety(self, interaction: discord.Interaction, switch: str) -> None:
        """Set how strictly models check requests in age-restricted channels; elsewhere they are strict."""
        value, text = ("on" if switch == "on" else None), views.safety_text(loose=switch == "on")
        await self._change(interaction, GuildSetting.LOOSE_SAFETY, value, text)

    @app_commands.command(description="Choose who may use the buttons under a picture")
    @app_commands.describe(who="Who may")
    @app_commands.choices(who=BUTTON_OWNERS)
    async def buttons(self, interaction: discord.Interaction, who: str) -> None:
        """Set who may use them; only the member and moderators can delete or cancel, whatever is set."""
        owner_only = who == "owner"
        value, text = ("on" if owner_only else None), views.buttons_text(owner_only=owner_only)
        await self._change(interaction, GuildSetting.OWNER_ONLY, value, text)

    async def _set_mode(
        self,
        interaction: discord.Interaction,
        kind: RuleTarget,
        subject_id: int,
        mode: str,
        problem: str = "",
    ) -> None:
        if mode == "lift":
            await self._remove(interaction, kind, str(subject_id))
            return
        effect = Effect.ALLOW if mode == "allow" else Effect.DENY
        rule = AccessRule(kind, str(subject_id), effect, set_by=interaction.user.id)
        await self._set(interaction, (rule,), problem)

    async def _set(
        self,
        interaction: discord.Interaction,
        rules: Sequence[AccessRule],
        problem: str = "",
        note: str = "",
    ) -> None:
        guild_id = require_manage_guild(interaction)
        if problem:
            view = build_view(problem)
        elif await self._access_rules.set(guild_id, rules, interaction_id=interaction.id):
            view = views.rules_added_view(rules, note)
        else:
            view = build_view(views.too_many_rules())
        await interaction.response.send_message(view=view, ephemeral=True)

    async def _remove(
        self, interaction: discord.Interaction, kind: RuleTarget, subject: str, model_id: str = ""
    ) -> None:
        guild_id = require_manage_guild(interaction)
        removed = await self._access_rules.remove(
            guild_id,
            kind,
            subject,
            model=model_id,
            removed_by=interaction.user.id,
            interaction_id=interaction.id,
        )
        await interaction.response.send_message(view=views.rule_removed_view(removed), ephemeral=True)

    async def _change(
        self, interaction: discord.Interaction, name: GuildSetting, value: str | None, text: str
    ) -> None:
        guild_id = require_manage_guild(interaction)
        await self._guild_settings.change(
            guild_id, name, value, set_by=interaction.user.id, interaction_id=interaction.id
        )
        await interaction.response.send_message(view=views.changed_view(text), ephemeral=True)
