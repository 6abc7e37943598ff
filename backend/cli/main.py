"""The command ``talkstick``, and the tree of what is below it.

A command is a line here: its name, where it is, and the first sentence of its help. More is not needed to list it.
"""

from pathlib import Path

import click

from backend.cli.context import Context
from backend.cli.later import Later
from backend.cli.names import ACCOUNT, CHANNEL, DEVICE, FLOOR, OWNER, PROFILE, TRIGGER, USER
from backend.cli.root import Root


@click.group(
    cls=Root,
    epilog='Commands and names complete with the tab key after `eval "$(_TALKSTICK_COMPLETE=bash_source talkstick)"`; '
    "zsh: zsh_source, fish: fish_source.",
    context_settings={"help_option_names": ["-h", "--help"]},
    commands=[
        Later("init", "server:init", "Make the data directory, its database and the admin account."),
        Later("serve", "server:serve", "Run the server: with a broker of its own, or on a Mosquitto."),
        Later("stats", "backend:stats", "Show how the server is used, and what it refused."),
        Later("broadcast", "backend:broadcast", "Say something to everybody, on backend/broadcast."),
        Later("watch", "watch:watch", "Show messages as they come, the retained ones first."),
        Later("doctor", "doctor:doctor", "Look at the installation; exit with 1 if it needs mending."),
    ],
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory. [default: $TALKSTICK_DATA, or ~/.talkstick]",
)
@click.version_option(package_name="talkstick", prog_name="talkstick")
@click.pass_context
def talkstick(context: click.Context, data: Path | None) -> None:
    """Share ESP32 devices over MQTT: whoever holds the talking stick may use the hardware."""
    context.obj = Context(data)


@talkstick.group(
    commands=[
        Later("add", "users:add", "Add an account; its password is made here and shown once."),
        Later("list", "users:list_", "List the accounts."),
        Later(
            "show",
            "users:show_",
            "Show one account; which apps of it are there right now, too, if the server runs.",
            USER,
        ),
        Later("passwd", "users:passwd", "Give an account a new password, shown once; the old one is void.", USER),
        Later("rm", "users:rm", "Remove an account: its session ends, and it leaves all queues.", USER),
        Later(
            "topics",
            "users:topics",
            "Show or change what an account may use outside of Talkstick's topics: zigbee2mqtt/#, frigate/+/motion.",
            USER,
        ),
    ]
)
def user() -> None:
    """Accounts of people, listeners (read only) and integrations."""


@talkstick.group(
    commands=[
        Later(
            "add",
            "provision:add",
            "Provision a board; print what it needs to know, its secret once, or put it into an image (--nvs).",
        ),
        Later("list", "devices:list_", "List the devices."),
        Later("show", "devices:show_", "Show one device; how it is right now, too, if the server runs.", DEVICE),
        Later(
            "policy",
            "devices:policy",
            "Show how a device is shared: each rule, its value, the default, and what it is about.",
            DEVICE,
        ),
        Later(
            "topics",
            "devices:topics",
            "Show or change what an account may use outside of Talkstick's topics: zigbee2mqtt/#, frigate/+/motion.",
            DEVICE,
        ),
        Later(
            "code", "codes:code", "Make a claim code for a device, shown once, or put into an image (--nvs).", DEVICE
        ),
        Later(
            "codes",
            "codes:codes",
            "List the claim codes of the last 30 days, the newest first: who made and used which, and when.",
        ),
        Later("owner", "devices:owner_", "Show whose a device is, or give it to OWNER.", DEVICE, OWNER),
        Later(
            "rotate",
            "provision:rotate",
            "Give a board a new secret, shown once, or put into an image (--nvs); the old one is void.",
            DEVICE,
        ),
        Later(
            "rm", "devices:rm", "Remove a device: its session ends, who waits is told, its topics are cleared.", DEVICE
        ),
    ]
)
def device() -> None:
    """Boards: what they are called, and what they need to know."""


@talkstick.group(
    commands=[
        Later("add", "channels:add", "Add a channel; print its topics."),
        Later("list", "channels:list_", "List the channels."),
        Later(
            "show",
            "channels:show_",
            "Show one channel and its topics; who has the floor right now, too, if the server runs.",
            CHANNEL,
        ),
        Later(
            "policy",
            "channels:policy",
            "Show how a channel is shared: each rule, its value, the default, and what it is about.",
            CHANNEL,
        ),
        Later(
            "rm",
            "channels:rm",
            "Remove a channel and its rules: its session ends, who waits is told, its topics are cleared.",
            CHANNEL,
        ),
    ]
)
def channel() -> None:
    """Floors without hardware: one sends, all others listen."""


@talkstick.group(
    commands=[
        Later("claim", "requests:claim", "Claim a device, or the floor of a channel.", FLOOR),
        Later("renew", "requests:renew", "Let the lease run from now again.", FLOOR),
        Later("update", "requests:update", "Merge keys into the input of your session.", FLOOR),
        Later("release", "requests:release", "Give it back.", FLOOR),
        Later("leave", "requests:leave", "Leave the queue.", FLOOR),
        Later("offer", "requests:offer", "Offer your session to somebody else.", FLOOR),
        Later("accept", "requests:accept", "Take over the session that is offered to you.", FLOOR),
        Later("decline", "requests:decline", "Do not take what is offered; or take your own offer back.", FLOOR),
        Later("observe", "requests:observe", "Be counted among those who look on.", FLOOR),
        Later("unobserve", "requests:unobserve", "Be counted no longer.", FLOOR),
        Later("kick", "requests:kick", "End a session, or somebody's wait.", FLOOR),
        Later("promote", "requests:promote", "Give it to one who waits; the holder is the next.", FLOOR),
        Later("demote", "requests:demote", "Give it to the next; the holder waits on, as the last.", FLOOR),
        Later("preempt", "requests:preempt", "Take it for yourself, at once or after a notice.", FLOOR),
        Later("reset", "requests:reset", "Say in place of a device that it is clean.", FLOOR),
        Later("list", "sessions:list_", "List the sessions of all devices and channels."),
        Later("show", "sessions:show_", "Show the session document of a device or channel.", FLOOR),
        Later("history", "sessions:history", "List the sessions that are over, the newest first.", FLOOR),
    ]
)
def session() -> None:
    """Who holds which device or channel, and who waits.

    scale-1 names a device, channels/stage a channel.
    """


@talkstick.group(
    commands=[
        Later(
            "set",
            "voice:set_",
            "Make voice settings for one device; a server that runs follows within a second.",
            DEVICE,
        ),
        Later(
            "show",
            "voice:show_",
            "Show the voice settings of a device, and what each is about; or of all devices at a glance.",
            DEVICE,
        ),
        Later(
            "try",
            "voice_try:try_",
            "Say what is in FILE (WAV, MP3 or Ogg), or --text, to a device; show what is understood and answered.",
        ),
        Later("history", "conversations:history", "Show what was said on a device, the newest first.", DEVICE),
        Later("forget", "conversations:forget", "Forget what was said on a device, and its cache of phrases.", DEVICE),
        Later("stats", "conversations:stats", "Show how much is said on a device, or on all of them.", DEVICE),
        Later(
            "cleanup",
            "conversations:cleanup",
            "Forget the conversations of devices on which nothing was said for a while.",
        ),
        Later("say", "conversations:say", "Let a device say something.", DEVICE),
        Later("stop", "conversations:stop", "End what a device says or hears at the moment.", DEVICE),
    ]
)
def voice() -> None:
    """How devices hear and speak: language, voice, answers."""


@voice.group(
    commands=[
        Later("list", "voice_models:list_", "List the models that are known or here, and which of them hear."),
        Later("explain", "voice_models:explain", "Say how large a model is, how well it hears, and what it needs."),
        Later("fetch", "voice_models:fetch_", "Download a model, check it, and hear its language with it."),
        Later(
            "add", "voice_models:add", "Hear LANGUAGE with a model that is on the disk already; it stays where it is."
        ),
        Later("use", "voice_models:use", "Hear with another of the models that are here."),
        Later(
            "remove",
            "voice_models:remove",
            "Remove a model that was fetched; or stop hearing a LANGUAGE, whose model then stays on the disk.",
        ),
    ]
)
def models() -> None:
    """Speech models: one for each language that is heard. Without any, voice is off."""


@talkstick.group(
    commands=[
        Later("add", "triggers:add", "Add a trigger; print its topics."),
        Later("set", "triggers:set_", "Change what is said of a trigger.", TRIGGER),
        Later("list", "triggers:list_", "List the triggers."),
        Later("show", "triggers:show_", "Show one trigger and its topics.", TRIGGER),
        Later("rm", "triggers:rm", "Remove a trigger.", TRIGGER),
        Later(
            "test",
            "sensing:test",
            "Show how a message would be read: active, inactive, or nothing told; and its data.",
            TRIGGER,
        ),
        Later("subscribe", "subscriptions:subscribe", "Let a profile run with a trigger.", TRIGGER, PROFILE),
        Later("change", "subscriptions:change", "Change a subscription.", TRIGGER, PROFILE),
        Later("unsubscribe", "subscriptions:unsubscribe", "End a subscription.", TRIGGER, PROFILE),
        Later("stop", "subscriptions:stop", "End what runs of a profile now.", TRIGGER, PROFILE),
        Later("subscriptions", "subscriptions:subscriptions", "List the profiles of a trigger.", TRIGGER),
        Later("runs", "subscriptions:runs", "List the runs that are over.", TRIGGER),
        Later("apply", "trigger_files:apply", "Make triggers, profiles and subscriptions as a file says."),
        Later("export", "trigger_files:export", "Write triggers, profiles and subscriptions as `apply` reads them."),
    ]
)
def trigger() -> None:
    """What there is to react to: a sensor, a badge, any MQTT topic.

    Profiles subscribe to it. Its owner publishes whether it is active, or a source is read. A VALUE is JSON if it can
    be read as that, else text.
    """


@talkstick.group(
    commands=[
        Later(
            "add", "profiles:add", "Add a profile, as a file says: its name, and the actions of start, repeat and end."
        ),
        Later("set", "profiles:set_", "Replace what a profile does.", PROFILE),
        Later("list", "profiles:list_", "List the profiles."),
        Later("show", "profiles:show_", "Show what a profile does, as YAML.", PROFILE),
        Later("rm", "profiles:rm", "Remove a profile.", PROFILE),
    ]
)
def profile() -> None:
    """What is done when a trigger is active.

    Speak, publish, command a device, call a URL.
    Operators write profiles; who takes part chooses among them: `talkstick trigger subscribe`.
    """


@talkstick.group(
    commands=[
        Later("init", "certs:init", "Make an authority and the server's certificate."),
        Later("show", "certs:show_", "Show the certificates that are in use."),
        Later("client", "certs:client", "Make a certificate that stands for a password.", ACCOUNT),
    ]
)
def certs() -> None:
    """Certificates for TLS: yours, the server's, the boards'."""


@talkstick.group(
    commands=[
        Later(
            "mosquitto",
            "export:mosquitto",
            "Write a configuration for Mosquitto 2.0 or later: listeners, limits, all accounts, and who may do what.",
        ),
    ]
)
def export() -> None:
    """Use another broker than the embedded one."""
