"""Checks the image and compose files as far as that goes without a container engine; part of deploy/lint.sh."""

import pathlib
import re
import sys

import yaml

DEPLOY = pathlib.Path(__file__).parent
ROOT = DEPLOY.parent
BINARIES = ["da", "gep", "demux", "dep"]
INSTRUCTIONS = {"FROM", "ARG", "RUN", "COPY", "WORKDIR", "USER", "VOLUME", "STOPSIGNAL", "EXPOSE", "ENTRYPOINT", "CMD", "ENV"}
found = []


class Strict(yaml.SafeLoader):
    """YAML that refuses a key said twice."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        for key in {key for key in keys if keys.count(key) > 1}:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: key {key} twice")
        return super().construct_mapping(node, deep)


def demand(holds, where, what):
    if not holds:
        found.append(f"{where}: {what}")


def load(path):
    try:
        return yaml.load(path.read_text(), Strict)
    except yaml.YAMLError as fault:
        found.append(f"{path.relative_to(ROOT)}: {fault}")
        return None


def dockerfile(path):
    """Name of each stage → the stage it builds on; demands what holds for every image."""
    where = str(path.relative_to(ROOT))
    text = re.sub(r"\\\n", " ", path.read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages, user, entry, name = {}, {}, {}, None
    for word, *rest in lines:
        demand(word in INSTRUCTIONS, where, f"unknown instruction {word}")
        rest = rest[0] if rest else ""
        if word == "FROM":
            match = re.fullmatch(r"(\S+) AS (\S+)", rest)
            demand(match, where, f"FROM {rest} names no stage")
            base, name = match.groups() if match else (rest, rest)
            demand(base in stages or (":" in base and not base.endswith(":latest")), where, f"{base} has no version")
            stages[name], user[name], entry[name] = base, user.get(base, "root"), None
        elif word == "USER":
            user[name] = rest
        elif word == "ENTRYPOINT":
            entry[name] = rest
        elif word == "COPY":
            source = re.search(r"--from=(\S+)", rest)
            demand(not source or source[1] in stages, where, f"COPY from unknown stage {source and source[1]}")
    for binary in BINARIES:
        demand(binary in stages, where, f"no stage for {binary}")
        demand(user.get(binary, "root") not in ("root", "0"), where, f"{binary} would run as root")
        demand(entry.get(binary) == f'["{binary}"]', where, f"{binary} does not start {binary}")
    rust = re.search(r'channel = "(\d+\.\d+)', (ROOT / "rust-toolchain.toml").read_text())[1]
    demand(f"FROM rust:{rust}-" in text, where, f"does not build with Rust {rust}")
    return stages


def settings(tree, prefix="DA"):
    for key, value in (tree or {}).items():
        name = f"{prefix}__{key.upper()}"
        yield name
        if isinstance(value, dict):
            yield from settings(value, name)


def compose(path, stages, known):
    where = str(path.relative_to(ROOT))
    tree = load(path)
    if tree is None:
        return
    services = tree.get("services", {})
    demand(services, where, "no services")
    volumes, configs = tree.get("volumes", {}), tree.get("configs", {})
    for name, service in services.items():
        here = f"{where} {name}"
        image, build = service.get("image"), service.get("build")
        demand(bool(image) != bool(build), here, "wants an image or a build, one of them")
        demand(not image or (":" in image and not image.endswith(":latest")), here, f"{image} has no version")
        if build:
            demand((path.parent / build["context"] / build["dockerfile"]).is_file(), here, "no such Dockerfile")
            demand(build.get("target") in stages, here, f"no stage {build.get('target')}")
        for other in service.get("depends_on", {}):
            demand(other in services, here, f"depends on {other}, which is no service")
        for condition in service.get("depends_on", {}).items():
            wanted = condition[1].get("condition")
            healthy = "healthcheck" in services.get(condition[0], {})
            demand(wanted != "service_healthy" or healthy, here, f"waits for the health of {condition[0]}, which tells none")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            local = source.startswith(".") and (path.parent / source).exists()
            demand(local or source in volumes, here, f"unknown volume {source}")
        for config in service.get("configs", []):
            demand(config["source"] in configs, here, f"unknown config {config['source']}")
        for port in service.get("ports", []):
            demand(str(port).startswith("127.0.0.1:"), here, f"port {port} is open beyond this machine")
        for variable in service.get("environment", {}):
            demand(not variable.startswith("DA__") or variable in known, here, f"{variable} names no setting")


known = set(settings(load(DEPLOY / "settings/full.yaml")))
stages = dockerfile(DEPLOY / "images/Dockerfile")
for file in sorted(DEPLOY.glob("compose*.yaml")):
    compose(file, stages, known)
print("\n".join(found) or "containers: image and compose files read well", file=sys.stderr if found else sys.stdout)
sys.exit(bool(found))
