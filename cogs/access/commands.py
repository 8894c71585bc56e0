"""`/access`: which members may paint, where, how often, and with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.access import WORD_LIMIT, AccessRule, Effect, RuleTarget
from bot.domain.clock import DAY_MS, now_ms
from bot.domain.text_folding import fold_text
from bot.guilds.settings import GuildSetting
from cogs.access import views
from cogs.access.views import REASON_UNITS
from cogs.text.escaping import single_line
from cogs.ui.context import guild_id_of, not_a_member, require_manage_guild
from cogs.ui.discord_limits import autocomplete_choices
from cogs.ui.layout import build_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.guilds.access_rules import AccessRuleStore
    from bot.guilds.settings import GuildSettingsStore

LONGEST_COOLDOWN_SECONDS: Final = 24 * 60 * 60
MOST_RUNNING: Final = 50
LONGEST_BLOCK_DAYS: Final = 3650
WORDS_UNITS: Final = 1000
"""Of a list of words, typed at once."""

ModeChoices: Final = [
    app_commands.Choice(name=app_commands.locale_str(words), value=mode)
    for mode, words in views.MODES.items()
]
SwitchChoices: Final = [
    app_commands.Choice(name=app_commands.locale_str(words), value=value)
    for value, words in views.SWITCHES.items()
]
ButtonChoices: Final = [
    app_commands.Choice(name=app_commands.locale_str(words), value=value)
    for value, words in views.WHOSE_BUTTONS.items()
]
Place = (
    discord.TextChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.ForumChannel
    | discord.CategoryChannel
)


# Hidden from everybody else in Discord's menus; `require_manage_guild` is what holds.
@app_commands.default_permissions(manage_guild=True)
class Access(commands.GroupCog, group_name="access", group_description="Who may paint here, where, and how"):
    """Shows and changes the rules of a server."""

    def __init__(self, access_rules: AccessRuleStore, guilds: GuildSettingsStore) -> None:
        self._access_rules = access_rules
        self._guild_settings = guilds

    @app_commands.command(description="Show who may paint here, where, how often, and with which words")
    async def show(self, interaction: discord.Interaction) -> None:
        """All of it on one card."""
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        terms = await self._access_rules.policy(guild_id)
        await interaction.response.send_message(view=views.policy_view(terms), ephemeral=True)

    @app_commands.command(description="Let only some roles paint, or some not")
    @app_commands.describe(role="Whose members", mode="What is to hold for them")
    @app_commands.choices(mode=ModeChoices)
    async def role(self, interaction: discord.Interaction, role: discord.Role, mode: str) -> None:
        """What is denied beats what is allowed."""
        problem = views.no_role_for_all() if role.is_default() else ""
        await self._rule(interaction, RuleTarget.ROLE, role.id, mode, problem)

    @app_commands.command(description="Let pictures be painted only in some channels, or not in some")
    @app_commands.describe(
        channel="Which channel with its threads, or category", mode="What is to hold there"
    )
    @app_commands.choices(mode=ModeChoices)
    async def channel(self, interaction: discord.Interaction, channel: Place, mode: str) -> None:
        """A channel's rule holds for its threads, a category's for its channels."""
        await self._rule(interaction, RuleTarget.CHANNEL, channel.id, mode)

    @app_commands.command(description="Block words: prompts that hold one are refused")
    @app_commands.describe(words="One or several, parted by commas; whole words, however they are spelt")
    async def forbid(
        self, interaction: discord.Interaction, words: app_commands.Range[str, 1, WORDS_UNITS]
    ) -> None:
        """Whole words and phrases."""
        typed = [single_line(word, WORDS_UNITS) for word in words.split(",")]
        too_long = next((word for word in typed if len(word) > WORD_LIMIT), None)
        rules = [
            AccessRule(RuleTarget.WORD, fold_text(word), Effect.DENY, words=word, set_by=interaction.user.id)
            for word in typed
            if fold_text(word)
        ]
        problem = "" if rules else views.no_words()
        await self._set(interaction, rules, problem if too_long is None else views.long_word(too_long))

    @app_commands.command(description="Let a blocked word be used again")
    @app_commands.describe(word="Which one")
    async def permit(
        self, interaction: discord.Interaction, word: app_commands.Range[str, 1, WORD_LIMIT]
    ) -> None:
        """However it was typed."""
        await self._remove(interaction, RuleTarget.WORD, fold_text(word) or "-")

    @permit.autocomplete("word")
    async def blocked(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """The blocked words, for those who may see them."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            return []
        rules = (await self._access_rules.policy(interaction.guild_id)).rules
        words = [rule.words for rule in rules if rule.kind is RuleTarget.WORD]
        return autocomplete_choices((word, word) for word in words if fold_text(typed) in fold_text(word))

    @app_commands.command(description="Let one member not paint here, for some days or for good")
    @app_commands.describe(
        member="Whom",
        reason="Why; the member is told, and it stands in the log",
        days="For how long; without it, for good",
    )
    async def block(
        self,
        interaction: discord.Interaction,
        member: discord.Member | discord.User,
        reason: app_commands.Range[str, 1, REASON_UNITS] = "",
        days: app_commands.Range[int, 1, LONGEST_BLOCK_DAYS] | None = None,
    ) -> None:
        """Their pictures that are under way are still painted."""
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
    @app_commands.describe(member="Whom")
    async def unblock(self, interaction: discord.Interaction, member: discord.Member | discord.User) -> None:
        """At once."""
        await self._remove(interaction, RuleTarget.MEMBER, str(member.id))

    @app_commands.command(description="Put pictures of a role, or in a channel, behind a spoiler")
    @app_commands.describe(switch="On or off", role="Whose pictures", channel="Where")
    @app_commands.choices(switch=SwitchChoices)
    async def spoiler(
        self,
        interaction: discord.Interaction,
        switch: str,
        role: discord.Role | None = None,
        channel: Place | None = None,
    ) -> None:
        """Whatever a member chooses; for a role, or in a channel."""
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
    @app_commands.describe(seconds="For how long; 0 for not at all")
    async def cooldown(
        self, interaction: discord.Interaction, seconds: app_commands.Range[int, 0, LONGEST_COOLDOWN_SECONDS]
    ) -> None:
        """Counted from when the last request was accepted."""
        value = str(seconds) if seconds else None
        await self._switch(interaction, GuildSetting.COOLDOWN_SECONDS, value, views.cooldown_words(seconds))

    @app_commands.command(description="Limit how many pictures a member may have under way at once")
    @app_commands.describe(pictures="How many; 0 for as many as they like")
    async def running(
        self, interaction: discord.Interaction, pictures: app_commands.Range[int, 0, MOST_RUNNING]
    ) -> None:
        """What is under way stays so."""
        value = str(pictures) if pictures else None
        await self._switch(interaction, GuildSetting.RUNNING_LIMIT, value, views.running_words(pictures))

    @app_commands.command(description="Let pictures be painted in age-restricted channels only")
    @app_commands.describe(switch="On or off")
    @app_commands.choices(switch=SwitchChoices)
    async def adults(self, interaction: discord.Interaction, switch: str) -> None:
        """On top of the rules about channels."""
        only = switch == "on"
        await self._switch(
            interaction, GuildSetting.AGE_RESTRICTED_ONLY, "on" if only else None, views.age_words(only=only)
        )

    @app_commands.command(description="Choose who may use the buttons under a picture")
    @app_commands.describe(who="Who may")
    @app_commands.choices(who=ButtonChoices)
    async def buttons(self, interaction: discord.Interaction, who: str) -> None:
        """Deleting and cancelling are for its member and for moderators in any case."""
        owner_only = who == "owner"
        value, words = ("on" if owner_only else None), views.buttons_words(owner_only=owner_only)
        await self._switch(interaction, GuildSetting.OWNER_ONLY, value, words)

    async def _rule(
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
        self, interaction: discord.Interaction, rules: Sequence[AccessRule], problem: str = ""
    ) -> None:
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        if problem:
            answer = build_view(problem)
        elif await self._access_rules.set(guild_id, rules, interaction_id=interaction.id):
            answer = views.rule_added_view(rules)
        else:
            answer = build_view(views.too_many())
        await interaction.response.send_message(view=answer, ephemeral=True)

    async def _remove(self, interaction: discord.Interaction, kind: RuleTarget, subject: str) -> None:
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        ended = await self._access_rules.remove(
            guild_id, kind, subject, removed_by=interaction.user.id, interaction_id=interaction.id
        )
        await interaction.response.send_message(view=views.rule_removed_view(ended), ephemeral=True)

    async def _switch(
        self, interaction: discord.Interaction, name: GuildSetting, value: str | None, words: str
    ) -> None:
        guild_id = guild_id_of(interaction)
        require_manage_guild(interaction)
        await self._guild_settings.change(
            guild_id, name, value, set_by=interaction.user.id, interaction_id=interaction.id
        )
        await interaction.response.send_message(view=views.access_changed_view(words), ephemeral=True)
