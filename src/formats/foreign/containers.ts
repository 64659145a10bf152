import type { ErrorCode } from "../../errors.ts";

/** A kind of file that is not safetensors. */
export interface Container {
  readonly code: ErrorCode;
  /** A noun phrase for people. */
  readonly what: string;
  /** What to do with such a file to get at weights, whole sentences. */
  readonly advice: string;
}

/** Formats that a model is turned into for running it, and from which nobody gets the same weights under the same names. */
const target = (what: string): Container => ({
  code: "UNSUPPORTED_CONTAINER",
  what,
  advice: "Name the model that it was converted from: its tensors may be renamed, fused or rounded in here.",
});

const container = (what: string, advice: string): Container => ({ code: "UNSUPPORTED_CONTAINER", what, advice });

/** Files that have nothing to do with weights. */
const other = (what: string): Container => container(what, "Name the file or the directory that holds the weights.");

const archive = (code: ErrorCode, what: string, tool: string): Container => ({
  code,
  what,
  advice: `Unpack it with ${tool}, and name what comes out.`,
});

const encrypted = (what: string, tool: string): Container =>
  container(what, `Decrypt it with ${tool}, and name what comes out.`);

const pointer = (what: string, advice: string): Container => ({ code: "GIT_LFS_POINTER", what, advice });

const TORCH_SAVE = "write its tensors with safetensors.torch.save_file";
const NUMPY_SAVE = "write its arrays by name with safetensors.numpy.save_file";

/** The kinds that are told apart, by what programs do with them. */
export const CONTAINERS = {
  pytorch: container(
    "a PyTorch file",
    `Call it .pt or .bin and name it: it is read so. Or load it with torch.load(..., weights_only=True) and ${TORCH_SAVE}; of a transformers model, from_pretrained and save_pretrained do both.`,
  ),
  oldPytorch: container(
    "a PyTorch file in the form from before PyTorch 1.6",
    `Call it .pt or .bin and name it: it is read so. Or load it with torch.load(..., weights_only=True) and ${TORCH_SAVE}.`,
  ),
  pickle: container(
    "a Python pickle",
    `Load it only if you trust whoever made it, for loading runs the code in it, and ${TORCH_SAVE} or safetensors.numpy.save_file.`,
  ),
  torchScript: container(
    "a TorchScript module",
    "Call it .pt and name it: its parameters are read so. Or load it with torch.jit.load and write its state_dict() with safetensors.torch.save_file.",
  ),
  torchExport: container(
    "a torch.export program",
    "Load it with torch.export.load and write its state_dict with safetensors.torch.save_file.",
  ),
  distributed: container(
    "part of a torch.distributed checkpoint",
    "Join its parts with python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIRECTORY FILE, then load that with torch.load and write the tensors with safetensors.torch.save_file.",
  ),
  deepSpeed: container(
    "part of a DeepSpeed checkpoint",
    "Join its parts with DeepSpeed's zero_to_fp32.py, which writes safetensors if told --safe_serialization.",
  ),
  megatron: container(
    "part of a Megatron checkpoint",
    "Export it as a Hugging Face model with the tools of what trained it, such as Megatron Bridge, and name that.",
  ),
  nemo: container("a NeMo archive", "Export it as a Hugging Face model with NeMo, and name that."),
  gguf: container(
    "a GGUF model",
    "Name that file itself: a GGUF model is read on its own, but not in the place of a .safetensors file.",
  ),
  ggml: target("a GGML model from before GGUF"),
  llamafile: container(
    "a program that runs on several systems, as a llamafile does",
    "If it is a llamafile, unzip gets a GGUF model out of it: name that.",
  ),
  onnx: container("an ONNX model", "Give it a name that ends in .onnx, and name that: such a file is read as it is."),
  onnxData: container(
    "the weights of an ONNX model",
    "Name the .onnx file that it belongs to, or their directory: only that says which tensor lies where.",
  ),
  ort: target("an ONNX Runtime model"),
  cTranslate2: container(
    "a CTranslate2 model",
    "Call it model.bin and name it: its weights are read so. Or name the model that it was converted from.",
  ),
  openVino: target("an OpenVINO model"),
  tensorRt: target("a TensorRT engine"),
  coreMl: target("a Core ML model"),
  tfLite: target("a TensorFlow Lite model"),
  liteRtLm: target("a LiteRT-LM model"),
  execuTorch: target("an ExecuTorch program"),
  torchMobile: target("a PyTorch Mobile module"),
  mnn: target("an MNN model"),
  ncnn: target("an ncnn model"),
  rknn: target("a Rockchip RKNN model"),
  mlc: target("weights of an MLC model"),
  tfJs: target("weights of a TensorFlow.js model"),
  paddleInference: target("a PaddlePaddle inference model"),
  mindIr: target("a MindSpore model"),
  caffe: target("a Caffe model"),
  savedModel: container(
    "a TensorFlow SavedModel",
    "Load it with tf.saved_model.load and write its variables by name with safetensors.tensorflow.save_file.",
  ),
  tfGraph: target("a TensorFlow graph"),
  tfCheckpoint: container(
    "part of a TensorFlow checkpoint",
    `Open it with tf.train.load_checkpoint and ${NUMPY_SAVE}.`,
  ),
  hdf5: container("an HDF5 file, as Keras writes", `Open it with h5py and ${NUMPY_SAVE}.`),
  keras: container("a Keras model", `Load it with keras.models.load_model and ${NUMPY_SAVE}.`),
  flax: container(
    "a MessagePack file, as Flax writes",
    "Load it with flax.serialization.msgpack_restore, flatten its names, and write it with safetensors.flax.save_file.",
  ),
  orbax: container(
    "part of an Orbax checkpoint",
    "Restore it with orbax.checkpoint, flatten its names, and write it with safetensors.flax.save_file.",
  ),
  numpy: container(
    "a NumPy array",
    "Call it .npy and name it: it is read so. Or load it with numpy.load and write it under its tensor's name with safetensors.numpy.save_file.",
  ),
  numpyArchive: container(
    "an archive of NumPy arrays",
    `Call it .npz and name it: it is read so. Or load it with numpy.load (MLX: mlx.core.load) and ${NUMPY_SAVE}.`,
  ),
  paddle: container(
    "a PaddlePaddle file of parameters",
    "Load it with paddle.load and write its tensors with safetensors.paddle.save_file.",
  ),
  mxnet: container("an MXNet file of parameters", `Load it with mxnet.nd.load and ${NUMPY_SAVE}.`),
  matlab: container("a MATLAB file", `Load it with scipy.io.loadmat (version 7.3: h5py) and ${NUMPY_SAVE}.`),
  sentencePiece: other("a SentencePiece tokenizer"),
  parquet: other("a Parquet table"),
  arrow: other("an Arrow table"),
  avro: other("an Avro file of records"),
  sqlite: other("an SQLite database"),
  program: other("a program"),
  pdf: other("a PDF document"),
  media: other("a picture, sound or video"),

  zip: archive("UNSUPPORTED_CONTAINER", "a zip archive", "unzip"),
  emptyZip: container("an empty zip archive", "Fetch it again: nothing is in it."),
  tar: archive("UNSUPPORTED_CONTAINER", "a tar archive", "tar -xf"),
  gzip: archive("COMPRESSED_FILE", "compressed with gzip", "gunzip"),
  zstd: archive("COMPRESSED_FILE", "compressed with zstd", "unzstd"),
  xz: archive("COMPRESSED_FILE", "compressed with xz", "unxz"),
  bzip2: archive("COMPRESSED_FILE", "compressed with bzip2", "bunzip2"),
  sevenZip: archive("COMPRESSED_FILE", "a 7-Zip archive", "7z x"),
  lz4: archive("COMPRESSED_FILE", "compressed with LZ4", "unlz4"),
  rar: archive("COMPRESSED_FILE", "a RAR archive", "unrar x"),

  age: encrypted("encrypted with age", "age --decrypt"),
  gpg: encrypted("encrypted with OpenPGP", "gpg --decrypt"),
  openSsl: encrypted("encrypted with OpenSSL", "openssl enc -d, and the cipher it was made with"),
  ansible: encrypted("encrypted with Ansible Vault", "ansible-vault decrypt"),
  encrypted: encrypted("encrypted", "the tool that encrypted it"),
  unfinished: container("an unfinished download", "Finish the download, and name the file that it becomes."),

  lfs: pointer(
    "a Git LFS pointer, not the weights it stands for",
    "Run git lfs pull where it was cloned, or download the file from where the model is published.",
  ),
  xet: pointer(
    "a Xet pointer, not the weights it stands for",
    "Install git-xet and check the file out again, or download it from where the model is published.",
  ),
  annex: pointer("a git-annex pointer, not the weights it stands for", "Run git annex get on it."),
  dvc: pointer("a DVC pointer, not the weights it stands for", "Run dvc pull, and name the file that it brings."),

  html: {
    code: "HTML_PAGE",
    what: "a web page, perhaps a server's error message",
    advice:
      "Fetch the file by its download address (on the Hub /resolve/, not /blob/), with a token where one is needed.",
  },
  xml: {
    code: "HTML_PAGE",
    what: "an XML document, perhaps a storage server's error message",
    advice: "Read what it says: a signed address may have run out, or the server may want to know who asks.",
  },
  text: {
    code: "TEXT_FILE",
    what: "a text, perhaps a server's error message",
    advice: "Read the text, which may say why the weights did not come, and name the file that holds them.",
  },
  json: {
    code: "TEXT_FILE",
    what: "JSON",
    advice: "Name the .safetensors file, its *.safetensors.index.json, or the directory that they lie in.",
  },
  foreignIndex: container(
    "an index of shards that are no safetensors",
    "Load the model with what wrote it, such as transformers, and write it with save_pretrained; or name a safetensors copy of it.",
  ),
  misnamedIndex: {
    code: "TEXT_FILE",
    what: "a shard index under another name",
    advice: "Name the directory, or call the index model.safetensors.index.json.",
  },
} as const satisfies Record<string, Container>;

export type ContainerKind = keyof typeof CONTAINERS;
