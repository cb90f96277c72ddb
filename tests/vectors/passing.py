"""Vectors of section 10.1: shares that members pass on."""

import cast
import protocol as p
from cast import ADA, OTHER_ROOT, SESSION
from identity import flipped
from traffic import EPHEMERAL, EPHEMERAL_SEED


def passed_on() -> dict:
    def case(name: str, share: p.Share, certs: list[bytes], epoch: int) -> dict:
        info = p.share_info(SESSION, share.id)
        sealed = p.seal_share_kek(EPHEMERAL, ADA.kem_public, info, share.kek)
        assert len(sealed) == 80
        # Who has to be let in gets the secret of the owner.
        is_asked = any(cert[88] & 8 for cert in certs)
        secret = bytes(32) if is_asked else cast.EPOCH_SECRETS[epoch]
        wrapped = p.wrap(secret, epoch, share.id, share.kek, SESSION)
        return {
            "name": name,
            "share_id": share.id,
            "share_seed": share.seed,
            "flags": share.flags,
            "kek": share.kek,
            "info": info,
            "sealed_kek": sealed,
            "epoch": epoch,
            "epoch_secret": secret,
            "wrap": wrapped,
            "certs": certs,
            "body": p.share_body(certs, wrapped, sealed),
        }

    cases = [
        case("once", cast.SECOND_SHARE, [cast.SECOND_CERT, cast.OWN_CERT], 0),
        case("twice", cast.THIRD_SHARE, [cast.THIRD_CERT, cast.SECOND_CERT, cast.OWN_CERT], 1),
        case("below one whose members are let in", cast.LODGE_SHARE, [cast.LODGE_CERT, cast.PORCH_CERT], 2),
    ]
    share, good = cast.SECOND_SHARE, cases[0]["sealed_kek"]

    def sealed(session: bytes = SESSION, share_id: bytes = share.id, to: p.Member = ADA) -> bytes:
        return p.seal_share_kek(EPHEMERAL, to.kem_public, p.share_info(session, share_id), share.kek)

    refused = [
        ("sealed for another session", sealed(session=OTHER_ROOT.session_id)),
        ("sealed for another share", sealed(share_id=cast.THIRD_SHARE.id)),
        ("sealed to another member", sealed(to=cast.BEN)),
        ("enc of small order", bytes(32) + good[32:]),
        ("flipped bit in enc", flipped(good, 0)),
        ("flipped bit in the KEK", flipped(good, 32)),
        ("flipped bit in the tag", flipped(good, 79)),
    ]
    return {
        "session_id": SESSION,
        "host_seed": ADA.seed,
        "host_kem_public": ADA.kem_public,
        "ephemeral_private": EPHEMERAL,
        "ephemeral_seed": EPHEMERAL_SEED,
        "cases": cases,
        "refused_keks": [{"why": why, "share_id": share.id, "sealed_kek": raw} for why, raw in refused],
    }
