package dev.outrider.agents.tls;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * A key manager with one certificate, for servers; without the detour of an encrypted key store in
 * memory.
 */
public final class OneKey extends X509ExtendedKeyManager {
  private static final String ALIAS = "server";

  private final X509Certificate[] chain;
  private final PrivateKey key;
  private final String type;

  /** Takes the chain, the certificate first, and its key. */
  public OneKey(List<X509Certificate> chain, PrivateKey key) {
    this(chain, key, chain.get(0).getPublicKey().getAlgorithm());
  }

  /**
   * Takes the chain, the certificate first, and its key.
   *
   * @param type the type of keys for which it is asked
   */
  public OneKey(List<X509Certificate> chain, PrivateKey key, String type) {
    this.chain = chain.toArray(X509Certificate[]::new);
    this.key = key;
    this.type = type;
  }

  private @Nullable String aliasFor(String keyType) {
    return type.equals(keyType) ? ALIAS : null;
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return aliasFor(keyType) == null ? null : new String[] {ALIAS};
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return aliasFor(keyType);
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return aliasFor(keyType);
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return chain.clone();
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return key;
  }
}
