import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Keys of an imaginary auth service: a JWKS file for the server, and tokens signed with it. */
export interface TestKeys {
  /** For `JWT_PUBLIC_KEYS_FILE`. */
  readonly jwksFile: string;
  token(userId: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  dispose(): void;
}

export async function testKeys(): Promise<TestKeys> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const directory = mkdtempSync(join(tmpdir(), "whispr-keys-"));
  const jwksFile = join(directory, "jwks.json");
  const key = { ...(await exportJWK(publicKey)), kid: "test", use: "sig", alg: "ES256" };
  writeFileSync(jwksFile, JSON.stringify({ keys: [key] }), { mode: 0o644 });
  return {
    jwksFile,
    token: (userId, claims = {}) =>
      new SignJWT({ sub: userId, iss: "whispr-auth", aud: "whispr", ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "test" })
        .setIssuedAt()
        .setExpirationTime((claims.exp as number | undefined) ?? "1h")
        .sign(privateKey),
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}
