"""Public keys."""

from marshmallow import fields

from chassis.web.schemas import OutSchema


class KeyOut(OutSchema):
    """A public signing key (RFC 7517)."""

    kty = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)
    kid = fields.String(required=True)
    n = fields.String(required=True)
    e = fields.String(required=True)


class KeySetOut(OutSchema):
    """The public keys of all tokens that are good now."""

    keys = fields.List(fields.Nested(KeyOut), required=True)
