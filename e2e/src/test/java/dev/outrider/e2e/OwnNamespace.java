package dev.outrider.e2e;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A class of journeys has a namespace of its own, empty at first and gone at its end, and an
 * operator that leads.
 *
 * @param kube the cluster
 * @param name of the namespace
 */
record OwnNamespace(Kube kube, String name) implements BeforeAllCallback, AfterAllCallback {
  @Override
  public void beforeAll(ExtensionContext context) {
    kube.awaitLeader();
    kube.namespace(name);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    kube.deleteNamespace(name);
  }
}
