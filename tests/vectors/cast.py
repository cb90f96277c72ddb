"""The fixed people, shares and times that all vectors speak about."""

from protocol import Member, Root, Share, Terms, author_id, member_body, member_cert, share_cert


def run(first: int, length: int) -> bytes:
    """Bytes that count up, so that a swapped or shifted field shows."""
    return bytes((first + index) & 0xFF for index in range(length))


VIEW, INTERACT, OWN = 0x07, 0x1F, 0x7F
START = 1_800_000_000_000
HOUR = 3_600_000
END = START + 24 * HOUR

ROOT = Root(run(0x00, 32))
SESSION = ROOT.session_id
OTHER_ROOT = Root(run(0x07, 32))

OWN_SHARE = Share(SESSION, run(0x20, 16), 0)
INTERACT_SHARE = Share(SESSION, run(0x30, 16), 0)
VIEW_SHARE = Share(SESSION, run(0x40, 16), 2)
# Handed on by a member of OWN_SHARE, and once more, and once more.
SECOND_SHARE = Share(SESSION, run(0x50, 16), 0)
THIRD_SHARE = Share(SESSION, run(0x60, 16), 4)
FOURTH_SHARE = Share(SESSION, run(0x70, 16), 0)
FIFTH_SHARE = Share(SESSION, run(0x78, 16), 0)
# Who comes by it is let in one by one; the other was passed on below it.
PORCH_SHARE = Share(SESSION, run(0x10, 16), 8)
LODGE_SHARE = Share(SESSION, run(0x18, 16), 0)
# For one member only, with a passphrase.
LOCKED_SHARE = Share(SESSION, run(0x28, 16), 17, "correct horse battery staple")

OWN_TERMS = Terms(OWN, 3, START, END)
INTERACT_TERMS = Terms(INTERACT, 0, START, START + 4 * HOUR, 16)
VIEW_TERMS = Terms(VIEW, 0, START, END, 1000)
SECOND_TERMS = Terms(OWN & ~64, 2, START + HOUR, END - HOUR, 8)
THIRD_TERMS = Terms(INTERACT | 32, 1, START + HOUR, END - 2 * HOUR)
FOURTH_TERMS = Terms(VIEW, 0, START + 2 * HOUR, END - 3 * HOUR, 2)
PORCH_TERMS = Terms(INTERACT | 32, 1, START, END)
LODGE_TERMS = Terms(INTERACT, 0, START, END)
LOCKED_TERMS = Terms(VIEW, 0, START, END, 1)

OWN_CERT = share_cert(SESSION, OWN_SHARE, OWN_TERMS, ROOT, None)
INTERACT_CERT = share_cert(SESSION, INTERACT_SHARE, INTERACT_TERMS, ROOT, None)
VIEW_CERT = share_cert(SESSION, VIEW_SHARE, VIEW_TERMS, ROOT, None)
SECOND_CERT = share_cert(SESSION, SECOND_SHARE, SECOND_TERMS, OWN_SHARE.signer, OWN_CERT)
THIRD_CERT = share_cert(SESSION, THIRD_SHARE, THIRD_TERMS, SECOND_SHARE.signer, SECOND_CERT)
FOURTH_CERT = share_cert(SESSION, FOURTH_SHARE, FOURTH_TERMS, THIRD_SHARE.signer, THIRD_CERT)
PORCH_CERT = share_cert(SESSION, PORCH_SHARE, PORCH_TERMS, ROOT, None)
LODGE_CERT = share_cert(SESSION, LODGE_SHARE, LODGE_TERMS, PORCH_SHARE.signer, PORCH_CERT)
LOCKED_CERT = share_cert(SESSION, LOCKED_SHARE, LOCKED_TERMS, ROOT, None)

ADA = Member(run(0x80, 32))  # hosts, a member of the own share
BEN = Member(run(0xA0, 32))  # guest with the interact share
CLEO = Member(run(0xC0, 32))  # guest two hands away from the owner
DAN = Member(run(0xE0, 32))  # guest four hands away
FAY = Member(run(0x81, 32))  # knocks at the porch
GUS = Member(run(0xA1, 32))  # knocks with a share that was passed on below the porch
HAL = Member(run(0xC1, 32))  # guest with the interact share, as Ben
IDA = Member(run(0xE1, 32))  # guest with the passphrase

ADA_CERT = member_cert(SESSION, OWN_SHARE, ADA, OWN, START, END)
BEN_CERT = member_cert(SESSION, INTERACT_SHARE, BEN, INTERACT, START, START + 4 * HOUR)
CLEO_CERT = member_cert(SESSION, SECOND_SHARE, CLEO, INTERACT, START + HOUR, START + 5 * HOUR)
DAN_CERT = member_cert(SESSION, FOURTH_SHARE, DAN, 1, START + 2 * HOUR, START + 3 * HOUR)
FAY_CERT = member_cert(SESSION, PORCH_SHARE, FAY, INTERACT, START, END)
GUS_CERT = member_cert(SESSION, LODGE_SHARE, GUS, INTERACT, START, END)
HAL_CERT = member_cert(SESSION, INTERACT_SHARE, HAL, INTERACT, START, START + 4 * HOUR)
IDA_CERT = member_cert(SESSION, LOCKED_SHARE, IDA, VIEW, START, END)

ADA_ID, BEN_ID, CLEO_ID, DAN_ID = (author_id(cert) for cert in (ADA_CERT, BEN_CERT, CLEO_CERT, DAN_CERT))
FAY_ID, GUS_ID, HAL_ID = (author_id(cert) for cert in (FAY_CERT, GUS_CERT, HAL_CERT))

ADA_BODY = member_body(ADA_CERT, [OWN_CERT])
BEN_BODY = member_body(BEN_CERT, [INTERACT_CERT])
CLEO_BODY = member_body(CLEO_CERT, [SECOND_CERT, OWN_CERT])
DAN_BODY = member_body(DAN_CERT, [FOURTH_CERT, THIRD_CERT, SECOND_CERT, OWN_CERT])
FAY_BODY = member_body(FAY_CERT, [PORCH_CERT])
GUS_BODY = member_body(GUS_CERT, [LODGE_CERT, PORCH_CERT])
HAL_BODY = member_body(HAL_CERT, [INTERACT_CERT])
IDA_BODY = member_body(IDA_CERT, [LOCKED_CERT])

# By number of the epoch.
EPOCH_SECRETS = [run(0x90, 32), run(0x19, 32), run(0x59, 32)]
EPOCH_SECRET = EPOCH_SECRETS[0]
