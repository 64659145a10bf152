"""The official client against the stand-in of the Hub; a check that does not hold ends it, by name.

    python hub.py ENDPOINT EXPECTED CACHE

EXPECTED is a JSON file: ids, paths, the SHA-256 of every content, and the tokens. Xet is switched off by the caller
(HF_HUB_DISABLE_XET): that protocol is not the stand-in's.
"""

import hashlib
import json
import os
import sys

from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

endpoint, expected_file, cache = sys.argv[1:]
with open(expected_file) as handle:
    expected = json.load(handle)
api = HfApi(endpoint=endpoint, token=False)


def sha256(path):
    with open(path, "rb") as handle:
        return hashlib.sha256(handle.read()).hexdigest()


def git_oid(path):
    with open(path, "rb") as handle:
        content = handle.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


held = 0


def holds(what, condition):
    global held
    if not condition:
        sys.exit(f"WRONG: {what}")
    held += 1


def raises(what, kind, call):
    try:
        call()
    except kind as error:
        # A gated repository is told apart from a missing one, though its error is a kind of that.
        if kind is RepositoryNotFoundError and isinstance(error, GatedRepoError):
            sys.exit(f"WRONG: {what}: {error!r}")
        holds(what, True)
        return error
    except Exception as error:
        sys.exit(f"WRONG: {what}: {error!r}")
    sys.exit(f"WRONG: {what}: nothing was raised")


names = sorted(expected["public"])
listed = list(api.list_models(author="acme", expand=["sha", "gated", "siblings"]))
holds("list_models: every public repository once, over pages", [model.id for model in listed] == names)
paged = list(api.list_models(author="acme", limit=2))
holds("list_models: limit", [model.id for model in paged] == names[:2])
holds("list_models: search", [model.id for model in api.list_models(search="tagged")] == ["acme/tagged"])

for model in listed:
    files = expected["public"][model.id]
    info = api.model_info(model.id, files_metadata=True)
    holds(f"{model.id}: model_info names the commit that the listing named", info.sha == model.sha)
    holds(f"{model.id}: siblings", sorted(sibling.rfilename for sibling in info.siblings) == sorted(files))
    tree = [entry for entry in api.list_repo_tree(model.id, recursive=True, expand=True) if hasattr(entry, "size")]
    holds(f"{model.id}: list_repo_tree", sorted(entry.path for entry in tree) == sorted(files))
    paths = api.get_paths_info(model.id, list(files), revision=info.sha)
    holds(f"{model.id}: get_paths_info", {path.path: path.size for path in paths} == {e.path: e.size for e in tree})
    for entry in tree:
        sibling = next(sibling for sibling in info.siblings if sibling.rfilename == entry.path)
        same = (entry.blob_id, entry.size) == (sibling.blob_id, sibling.size)
        holds(f"{model.id}/{entry.path}: tree and siblings agree", same and bool(entry.lfs) == bool(sibling.lfs))
        if model.gated:
            continue
        url = hf_hub_url(model.id, entry.path, endpoint=endpoint)
        metadata = get_hf_file_metadata(url, token=False)
        local = hf_hub_download(model.id, entry.path, endpoint=endpoint, cache_dir=f"{cache}-files", token=False)
        right = metadata.commit_hash == info.sha and metadata.size == os.path.getsize(local) == entry.size
        holds(f"{model.id}/{entry.path}: metadata, commit and size", right)
        holds(f"{model.id}/{entry.path}: the right bytes", sha256(local) == files[entry.path])
        etag = files[entry.path] if entry.lfs else git_oid(local)
        blob = os.path.basename(os.path.realpath(local))
        holds(f"{model.id}/{entry.path}: named by its content", blob == metadata.etag == etag)
        if entry.lfs:
            holds(f"{model.id}/{entry.path}: SHA-256 in tree and siblings", entry.lfs.sha256 == etag == sibling.lfs.sha256)

for model in listed:
    if not model.gated:
        folder = snapshot_download(model.id, endpoint=endpoint, cache_dir=cache, token=False)
        files = expected["public"][model.id]
        found = {path: sha256(os.path.join(folder, path)) for path in files}
        holds(f"{model.id}: snapshot_download", found == files and os.path.basename(folder) == model.sha)

refs = api.list_repo_refs("acme/tagged", include_pull_requests=True)
named = {ref.name: ref.target_commit for ref in refs.branches + refs.tags + refs.pull_requests}
holds("list_repo_refs", sorted(named) == ["1", "main", "v1"])
for revision, name in [("v1", "v1"), ("refs/pr/1", "1"), (named["v1"], "v1")]:
    info = api.model_info("acme/tagged", revision=revision)
    holds(f"revision {revision[:12]}", info.sha == named[name])
    local = hf_hub_download("acme/tagged", "note.txt", revision=revision, endpoint=endpoint, cache_dir=f"{cache}-files", token=False)
    with open(local) as handle:
        holds(f"revision {revision[:12]}: its content", handle.read() == name)


def download(repo, path="model.safetensors", token=False, revision=None):
    where = f"{cache}-refused"
    return lambda: hf_hub_download(repo, path, endpoint=endpoint, cache_dir=where, token=token, revision=revision)


stranger, reader = expected["tokens"]["stranger"], expected["tokens"]["reader"]
def unauthorized(what, call):
    """The client takes a 401 without a code for a missing repository on https alone (REPO_API_REGEX in utils/_http.py)."""
    error = raises(what, HfHubHTTPError, call)
    status, message = error.response.status_code, error.server_message
    holds(f"{what}: as the Hub says it", (status, message) == (401, "Invalid username or password."))


for repo in ["acme/none", "acme/private"]:
    unauthorized(f"{repo}, anonymous", lambda: api.model_info(repo))
    unauthorized(f"files of {repo}, anonymous", download(repo))
    raises(f"{repo}, a stranger", RepositoryNotFoundError, lambda: api.model_info(repo, token=stranger))
    raises(f"files of {repo}, a stranger", RepositoryNotFoundError, download(repo, token=stranger))
raises("files of a gated repository, anonymous", GatedRepoError, download("acme/gated"))
raises("files of a gated repository, a stranger", GatedRepoError, download("acme/gated", token=stranger))
raises("no such file", EntryNotFoundError, download("acme/tagged", "none.bin"))
raises("no such revision", RevisionNotFoundError, download("acme/tagged", revision="none"))
raises("no such revision, information", RevisionNotFoundError, lambda: api.model_info("acme/tagged", revision="none"))
raises("no such folder", EntryNotFoundError, lambda: list(api.list_repo_tree("acme/tagged", "none")))
error = raises("a token that is none", HfHubHTTPError, lambda: api.model_info("acme/tagged", token="hf_none"))
holds("a token that is none: not taken for a missing repository", not isinstance(error, RepositoryNotFoundError))
holds("a private repository, who was granted it", api.model_info("acme/private", token=reader).private is True)
local = download("acme/gated", token=reader)()
holds("files of a gated repository, who was granted it", sha256(local) == expected["public"]["acme/gated"]["model.safetensors"])
print(f"  {held} checks held: listings, information, trees, files, snapshots, revisions, refusals")
