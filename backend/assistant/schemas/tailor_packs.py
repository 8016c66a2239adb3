"""What the calls about tailor packs are told and answer; names are the frontend's."""

from backend.core.wire_fields import Anything, Flag, ListOf, Mapping, Nested, Text, Upload, WireSchema
from backend.core.wire_numbers import WholeNumber


class Order(WireSchema):
    """A pack that was ordered."""

    orderNumber = Text(required=True, max_length=200, metadata={"example": "WF-1234567"})
    verifyLicense = Flag(
        load_default=True, metadata={"description": "without it the pack is installed and not licensed"}
    )


class PackFile(WireSchema):
    """A pack's archive."""

    packFile = Upload(required=True, metadata={"type": "string", "format": "binary"})


class Switch(WireSchema):
    """On or off."""

    enabled = Flag(required=True, metadata={"example": True})


class Pack(WireSchema):
    """A pack that is installed."""

    id = Text(metadata={"example": "marketing_essentials"})
    name = Text()
    version = Text(metadata={"example": "1.2.0"})
    description = Text()
    author = Text()
    category = Text(metadata={"example": "marketing"})
    targetAudience = Text(metadata={"example": "freelancer"})
    active = Flag()
    features = ListOf(Anything())
    dependencies = ListOf(Text())
    licenseRequired = Flag()
    trialDaysLeft = WholeNumber(allow_none=True)


class Packs(WireSchema):
    """All packs."""

    success = Flag()
    installedPacks = ListOf(Nested(Pack))
    totalInstalled = WholeNumber()
    totalActive = WholeNumber()


class Imported(WireSchema):
    """The pack that is installed now."""

    success = Flag()
    pack = Nested(Pack)
    message = Text()


class Done(WireSchema):
    """What was done."""

    success = Flag()
    message = Text(metadata={"example": "Enabled Marketing Essentials"})


class PackStatistics(WireSchema):
    """How many packs there are."""

    success = Flag()
    statistics = Mapping()


class PackAction(WireSchema):
    """Something to do first."""

    action = Text(metadata={"example": "install", "enum": ["install", "enable"]})
    pack_id = Text()
    required_by = Text()


class PackPlan(WireSchema):
    """What a pack needs."""

    success = Flag()
    plan = ListOf(Nested(PackAction))
    total_actions = WholeNumber()


class PackRefusal(WireSchema):
    """Why nothing was done."""

    success = Flag(metadata={"example": False})
    error = Text(metadata={"example": "Pack not found"})
