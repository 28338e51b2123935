/** Certificates of an authority that only the tests trust. */
import { execFileSync } from "node:child_process";
import { chownSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerUser } from "./server-process.ts";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Where the two are. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority, and who it signs. Its files are in `directory`. */
export class TestAuthority {
  readonly #directory: string;
  readonly #user: ServerUser;
  readonly certificate: Certificate;

  /** @param user whose files they are; default: ours */
  constructor(directory: string, user: ServerUser = {}) {
    this.#directory = directory;
    this.#user = user;
    const options = ["-x509", "-subj", "/CN=tests", "-days", "1"];
    this.certificate = this.#make("authority", options);
  }

  /** @param alternative as `IP:127.0.0.1` or `DNS:localhost` */
  sign(name: string, alternative?: string): Certificate {
    const { certFile, keyFile } = this.certificate;
    const extensions =
      alternative === undefined ? [] : ["-addext", `subjectAltName=${alternative}`];
    const signed = ["-CA", certFile, "-CAkey", keyFile, "-x509", "-days", "1"];
    return this.#make(name, [...signed, "-subj", `/CN=${name}`, ...extensions]);
  }

  #make(name: string, options: readonly string[]): Certificate {
    const certFile = join(this.#directory, `${name}.crt`);
    const keyFile = join(this.#directory, `${name}.key`);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", keyFile, "-out", certFile];
    execFileSync("openssl", ["req", ...key, ...files, ...options], { stdio: "pipe" });
    const { uid, gid } = this.#user;
    if (uid !== undefined && gid !== undefined)
      for (const file of [certFile, keyFile]) chownSync(file, uid, gid);
    return {
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
      certFile,
      keyFile,
    };
  }
}
