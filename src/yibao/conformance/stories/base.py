"""Sign in, who is the patient, which codes are there, sign out."""

from yibao.conformance.probe import Probe

NUMBERS = ("9001", "1101", "1201", "1901", "2001", "5206", "9002")


async def base(probe: Probe) -> None:
    """Everything else needs the person that 1101 finds."""
    operator = "0001"
    with probe.story("9001", "9002"):
        output = await probe.done(
            "9001", {"signIn": {"opter_no": operator, "mac": "", "ip": "127.0.0.1"}}
        )
        number = output["signinoutb"]["sign_no"]
        await probe.done("9002", {"signOut": {"sign_no": number, "opter_no": operator}})
    with probe.story("1101"):
        await _identify(probe)
    with probe.story("1201"):
        endpoint = probe.target.hospital
        await probe.done(
            "1201",
            {
                "medinsinfo": {
                    "fixmedins_type": "1",
                    "fixmedins_name": endpoint.name,
                    "fixmedins_code": endpoint.institution,
                }
            },
        )
    with probe.story("1901"):
        await probe.done(
            "1901",
            {
                "data": {
                    "type": "med_type",
                    "parentValue": "",
                    "admdvs": endpoint.division,
                    "date": probe.today(),
                    "valiFlag": "1",
                }
            },
        )
    with probe.story("2001"):
        await probe.done(
            "2001",
            {
                "data": {
                    **probe.person,
                    "fixmedins_code": endpoint.institution,
                    "med_type": "11",
                    "begntime": probe.now(),
                }
            },
        )
    with probe.story("5206"):
        await probe.done("5206", {"data": {"psn_no": probe.psn_no, "cum_ym": ""}})


async def _identify(probe: Probe) -> None:
    person = probe.target.person
    output = await probe.done(
        "1101",
        {
            "data": {
                "mdtrt_cert_type": person.voucher_type,
                "mdtrt_cert_no": person.voucher,
                "psn_cert_type": "01",
                "certno": person.voucher if person.voucher_type == "02" else "",
            }
        },
    )
    probe.facts["psn_no"] = str(output["baseinfo"]["psn_no"])
    schemes = {str(row.get("insutype")): row for row in output.get("insuinfo", [])}
    enrolled = schemes.get(person.scheme)
    probe.check(
        "1101",
        "lists the person's scheme",
        () if enrolled else [f"insuinfo has {sorted(schemes)}, not {person.scheme}"],
    )
    if enrolled:
        probe.insured_division = str(enrolled.get("insuplc_admdvs") or "") or None
