import { type Command, InvalidArgumentError } from "commander";
import type { Commitment, CommitmentTime, Opening } from "../../commitment/index.ts";
import { WeightmarkError } from "../../errors.ts";
import type { CommitReport } from "../../report/schemas/index.ts";
import {
  type AuthorityOptions,
  firstSeenOf,
  rootsOf,
  type TimeOptions,
  withAuthorities,
  withAuthoritiesOf,
  withTime,
} from "../authorities.ts";
import { withCheckpoint } from "../checkpoints.ts";
import { type CommonOptions, wholeNumber, withFindings } from "../options.ts";
import { type RemoteOptions, withRemote } from "../remote.ts";
import { openSession, requireOtherFile, type Session } from "../session.ts";
import { toolVersion } from "../version.ts";
import { openKey, type PassphraseOptions, withKey } from "../watermark-key.ts";

type KeyOptions = PassphraseOptions & { readonly key: string };

interface MakeOptions extends CommonOptions, RemoteOptions, AuthorityOptions, KeyOptions {
  readonly unmarked?: string;
  readonly base?: string;
  readonly sketch?: string;
  readonly payload?: string;
  readonly threads?: number;
}

type StampOptions = CommonOptions & AuthorityOptions;

interface VerifyOptions extends CommonOptions, RemoteOptions, TimeOptions, PassphraseOptions {
  readonly key?: string;
  readonly digest?: string;
  readonly opening?: string;
  readonly marked?: string;
  readonly unmarked?: string;
  readonly threads?: number;
}

interface OpenOptions extends CommonOptions, KeyOptions {
  readonly layers?: readonly number[];
  readonly challenge?: string;
  readonly opening?: string;
}

export function registerCommit(program: Command): void {
  const group = program
    .command("commit")
    .summary("commit to a marked model before its release, and open a part of that later")
    .description(
      "Commits to a key and to the model it marked before their release; opens a quarter of the layers later.",
    )
    .helpCommand(false);
  const sub = (usage: string, summary: string, output?: string, isDefault = false) =>
    withFindings(group.command(usage, { isDefault }).description(summary), output);

  const make = sub(
    "make <marked>",
    "commit to a marked model (the default)",
    "the commitment to write (required)",
    true,
  )
    .option("--unmarked <model>", "the model as it was before marking, whose digest is committed too")
    .option("--base <model>", "the public base of a mark that lies in the difference to it")
    .option("--sketch <file>", "the sketch that embedding wrote, whose digest is committed too")
    .option("--payload <payload>", "the payload that was embedded (default: the one that is read from the mark)")
    .option("--threads <n>", "worker threads; 0 uses none", wholeNumber(0, 256));
  withAuthorities(withKey(withRemote(make))).action(makeCommitment);

  withAuthorities(
    sub("stamp <commitment>", "add time stamps to a commitment", "the stamped commitment to write (required)"),
  ).action(stamp);

  const verify = sub("verify <commitment>", "check a commitment, and what is given beside it")
    .option("--key <file>", "a key that it should be to")
    .option("--passphrase-file <file>", "read the key's passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--digest <text>", "the digest as it was printed or published")
    .option("--opening <file>", "the secret file that was written beside it")
    .option("--marked <model>", "with --opening, the marked model that it should be to")
    .option("--unmarked <model>", "with --opening, the unmarked model that it should be to")
    .option("--threads <n>", "worker threads; 0 uses none", wholeNumber(0, 256));
  withRemote(withTime(verify)).action(verifyCommitment);

  withKey(sub("open <commitment>", "open layers of the key to others", "the disclosure to write (required)"))
    .option("--challenge <text>", "a text of whoever verifies: a quarter of the layers follows from it")
    .option("--layers <numbers>", "these layers instead, such as 3,7,12", layerNumbers)
    .option("--opening <file>", "opens the payload too")
    .action(open);

  withTime(sub("print <commitment>", "a commitment on one page, with a digest to be typed again")).action(print);
}

function layerNumbers(text: string): number[] {
  if (!/^\d{1,4}(,\d{1,4})*$/.test(text)) throw new InvalidArgumentError("Numbers of layers such as 3,7,12.");
  return text.split(",").map(Number);
}

/** Where a command writes what it makes; never over a file, whatever it is. */
function outputOf({ output, force }: CommonOptions, what: string): string {
  if (output === undefined) throw new WeightmarkError("USAGE", `say where to write ${what}: -o FILE`);
  if (force) throw new WeightmarkError("USAGE", `${what} never replaces what is there: leave out --force`);
  return output;
}

async function makeCommitment(model: string, options: MakeOptions): Promise<void> {
  const output = outputOf(options, "the commitment");
  const { key: keyFile, passphraseFile, unmarked, base, sketch, tsaRoots } = options;
  const named = [model, keyFile, passphraseFile, unmarked, base, sketch, tsaRoots].filter((one) => one !== undefined);
  requireOtherFile(output, named);
  const session = openSession(options, [...named, output], true);
  const { commitRelease, openingPath, requireCommitmentPlace, writeCommitment } = await import(
    "../../commitment/index.ts"
  );
  const { parsePayload } = await import("../../watermark/index.ts");
  await requireCommitmentPlace(output);
  const key = await openKey(options, session.warn);
  const payload = options.payload === undefined ? null : parsePayload(options.payload);
  const committed = await withAuthoritiesOf(options, (authorities) =>
    withCheckpoint(model, options, (marked) =>
      withCheckpoint(unmarked, options, (before) =>
        withCheckpoint(base, options, (of) =>
          commitRelease(marked!, {
            key,
            unmarked: before,
            base: of,
            sketch,
            payload,
            authorities,
            threads: options.threads,
            toolVersion: toolVersion(),
          }),
        ),
      ),
    ),
  );
  await writeCommitment(output, committed);
  const time = await timeOf(committed.commitment, output, options);
  const written = [
    { path: output, secret: false },
    { path: openingPath(output), secret: true },
  ];
  await emit(session, "make", output, committed.commitment, time, { written, caveats: madeCaveats(time) });
}

async function stamp(file: string, options: StampOptions): Promise<void> {
  const output = outputOf(options, "the stamped commitment");
  if (options.tsa.length === 0) throw new WeightmarkError("USAGE", "say who shall stamp it: --tsa URL");
  requireOtherFile(output, [file]);
  const session = openSession(options, [file, output], true);
  const { readCommitment, serializeCommitment, stampCommitment } = await import("../../commitment/index.ts");
  const before = await readCommitment(file);
  // Nobody is asked in vain: the time stamps that it has are held against the same roots.
  await timeOf(before, file, options);
  const { commitment } = await withAuthoritiesOf(options, (authorities) => stampCommitment(before, authorities));
  const time = await timeOf(commitment, output, options);
  await writeNew(output, serializeCommitment(commitment));
  const written = [{ path: output, secret: false }];
  await emit(session, "stamp", output, commitment, time, { written, caveats: madeCaveats(time) });
}

async function verifyCommitment(file: string, options: VerifyOptions): Promise<void> {
  const { opening, marked, unmarked, key } = options;
  if (opening === undefined && (marked !== undefined || unmarked !== undefined)) {
    throw new WeightmarkError("USAGE", "a model is held against a commitment by its opening: --opening FILE");
  }
  const named = [file, opening, marked, unmarked, key, options.passphraseFile, options.tsaRoots];
  const session = openSession(
    options,
    named.filter((one) => one !== undefined),
  );
  const { checkCommittedModel, commitmentDigest, committedKey, parsePrintedDigest, readCommitment, readOpening } =
    await import("../../commitment/index.ts");
  const commitment = await readCommitment(file);
  const time = await timeOf(commitment, file, options);
  const checked: string[] = [];
  if (options.digest !== undefined) {
    if (parsePrintedDigest(options.digest) !== commitmentDigest(commitment)) {
      throw new WeightmarkError("COMMITMENT_MISMATCH", "the commitment has another digest than the one given", {
        file,
      });
    }
    checked.push("the digest that was given");
  }
  if (key !== undefined) {
    committedKey(commitment, await openKey({ ...options, key }, session.warn), file);
    checked.push("the key that was given");
  }
  if (opening !== undefined) {
    await readOpening(opening, commitment);
    checked.push("its opening");
  }
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  for (const [which, model] of [["marked", marked] as const, ["unmarked", unmarked] as const]) {
    if (model === undefined) continue;
    await withCheckpoint(model, options, (checkpoint) =>
      checkCommittedModel(commitment, opening!, which, checkpoint!, threads),
    );
    checked.push(`the ${which} model that was given`);
  }
  await emit(session, "verify", file, commitment, time, { checked });
}

async function open(file: string, options: OpenOptions): Promise<void> {
  const output = outputOf(options, "the disclosure");
  const { layers, challenge, opening: openingFile } = options;
  if ((layers === undefined) === (challenge === undefined)) {
    throw new WeightmarkError("USAGE", "say which layers to open: --challenge TEXT of whoever verifies, or --layers");
  }
  const named = [file, options.key, options.passphraseFile, openingFile].filter((one) => one !== undefined);
  requireOtherFile(output, named);
  const session = openSession(options, [...named, output], true);
  const { committedKey, disclose, readCommitment, readOpening, serializeDisclosure } = await import(
    "../../commitment/index.ts"
  );
  const commitment = await readCommitment(file);
  const key = committedKey(commitment, await openKey(options, session.warn), file);
  const opening: Opening | null = openingFile === undefined ? null : await readOpening(openingFile, commitment);
  const choice = layers === undefined ? { challenge: challenge! } : { layers };
  const disclosure = disclose({ commitment, key, choice, opening });
  await writeNew(output, serializeDisclosure(disclosure), 0o600);
  const opened = {
    layers: disclosure.layers.map(({ layer }) => layer),
    of: commitment.statement.model.layers,
    challenge: disclosure.challenge,
    payload: disclosure.payload !== null,
  };
  await emit(session, "open", file, commitment, await timeOf(commitment, file, {}), {
    written: [{ path: output, secret: true }],
    opened,
    caveats: [
      "whoever has the disclosure can take the mark out of the opened layers, or write another into them: show it to whom you must",
      "leave the opened layers out when you verify from then on: watermark verify --without DISCLOSURE",
    ],
  });
}

async function print(file: string, options: CommonOptions & TimeOptions): Promise<void> {
  const session = openSession(options, [file]);
  const { readCommitment } = await import("../../commitment/index.ts");
  const commitment = await readCommitment(file);
  await emit(session, "print", file, commitment, await timeOf(commitment, file, options), {});
}

async function timeOf(commitment: Commitment, file: string, options: TimeOptions): Promise<CommitmentTime> {
  const { commitmentTime } = await import("../../commitment/index.ts");
  return commitmentTime(commitment, { roots: await rootsOf(options), firstSeen: await firstSeenOf(options), file });
}

function madeCaveats({ timestamps }: CommitmentTime): string[] {
  return timestamps.length > 0
    ? ["publish the commitment or its digest; whether a certificate was revoked was not asked"]
    : ["without a time stamp the commitment does not say when it was made: have it stamped before the release"];
}

async function writeNew(path: string, bytes: Uint8Array, mode?: number): Promise<void> {
  const { writeFileAtomic } = await import("../../bytes/atomic-file.ts");
  await writeFileAtomic(path, bytes, { mode });
}

async function emit(
  session: Session,
  action: CommitReport["action"],
  location: string,
  commitment: Commitment,
  time: CommitmentTime,
  more: Partial<Pick<CommitReport, "checked" | "written" | "opened" | "caveats">>,
): Promise<void> {
  const { commitmentDigest, printedDigest } = await import("../../commitment/index.ts");
  const { commitReport } = await import("../../report/build.ts");
  const digest = commitmentDigest(commitment);
  const about = { action, location, digest, printed: printedDigest(digest), statement: commitment.statement };
  const nothing = { checked: [], written: [], opened: null, caveats: [] };
  await session.emit(
    commitReport(session.run(), { ...about, time: { ...time, timestamps: [...time.timestamps] }, ...nothing, ...more }),
  );
}
