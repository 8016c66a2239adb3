"""What the assistant says of itself and of its machine."""

from backend.core.wire_fields import Anything, Flag, Mapping, Nested, Text, WireSchema
from backend.core.wire_numbers import Number, WholeNumber


class About(WireSchema):
    """Which program answers."""

    name = Text(metadata={"example": "Westfall Personal Assistant Backend"})
    version = Text(metadata={"example": "1.0.0"})
    status = Text(metadata={"example": "running"})


class MemoryUsage(WireSchema):
    """Memory of the process that answers."""

    rss = WholeNumber(metadata={"description": "bytes"})
    vms = WholeNumber(metadata={"description": "bytes"})
    percent = Number(metadata={"description": "of the machine's memory"})


class SystemInfo(WireSchema):
    """How busy the machine is, each from 0 to 100."""

    cpu_percent = Number()
    memory_percent = Number()
    disk_usage = Number()


class ModelStatus(WireSchema):
    """Whether a language model is loaded, and which."""

    loaded = Flag()
    model_name = Text(allow_none=True)
    model_size = Text(metadata={"description": "only where a model is loaded", "example": "98.9 MB"})


class Health(WireSchema):
    """The process is alive, and this is how it is."""

    status = Text(metadata={"example": "ok"})
    version = Text(metadata={"example": "1.0.0"})
    uptime = Number(metadata={"description": "seconds"})
    timestamp = Text(metadata={"example": "2026-11-21T03:08:42.286139"})
    pid = WholeNumber()
    memory_usage = Nested(MemoryUsage)
    system_info = Nested(SystemInfo)
    model_status = Nested(ModelStatus)


class Ready(WireSchema):
    """Whether everything that requests need is there."""

    ready = Flag()
    services = Mapping(Flag(), metadata={"example": {"llama_supervisor": True}})
    timestamp = Text(metadata={"example": "2026-11-21T03:08:42.316334"})


class Tools(WireSchema):
    """The tools there are."""

    success = Flag()
    data = Anything()
    message = Text()
    timestamp = Text()
