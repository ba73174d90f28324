// Written by `remuda run pi` for one process: sends Pi's requests to the gateway. Holds no secret.
const base = process.env.REMUDA_URL;
const key = process.env.REMUDA_CLIENT_KEY;
const served = (process.env.REMUDA_VENDORS ?? "").split(",");

// Pi's own logins stay as they are: never sent, never refreshed. A Claude login would make Pi present itself as Claude Code.
const unused = {
  name: "Remuda",
  login: async () => {
    throw new Error("the gateway holds the logins: remuda login");
  },
  refreshToken: async (credential: unknown) => credential,
  getApiKey: () => key,
};

export default function (pi: any) {
  // Requests for a vendor without an account reach the gateway too, and are told why nobody serves them. Only what can be
  // served gets a key, so that Pi offers those models by itself.
  const provider = (name: string, vendor: string, config: object) => {
    const auth = served.includes(vendor) ? { apiKey: "$REMUDA_CLIENT_KEY" } : {};
    pi.registerProvider(name, { ...config, ...auth });
  };
  provider("anthropic", "anthropic", {
    baseUrl: `${base}/anthropic`,
    ...(served.includes("anthropic") ? { authHeader: true, oauth: unused } : {}),
  });
  provider("openai", "openai", { baseUrl: `${base}/openai/v1` });
  pi.registerProvider("openai-codex", { baseUrl: base });
  provider("qwen-token-plan", "qwen", { baseUrl: `${base}/qwen/v1` });
  provider("qwen-token-plan-cn", "qwen", { baseUrl: `${base}/qwen/v1` });

  const ours = new Set(["anthropic", "openai", "openai-codex", "qwen-token-plan", "qwen-token-plan-cn"]);
  pi.on("before_provider_headers", (event: any, context: any) => {
    if (!ours.has(context.model?.provider)) return;
    event.headers["x-remuda-key"] = key;
    // Pi names its session to OpenAI only.
    event.headers["x-session-affinity"] ??= context.sessionManager.getSessionId();
  });
}
