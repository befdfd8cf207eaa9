package dev.outrider.operator.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ApplierTest {
  private static final String PATH = "/api/v1/namespaces/demo/services/shop-ro";

  private final FakeApiServer server = new FakeApiServer();
  private final KubernetesClient client = server.client();
  private final Applier applier = new Applier(client);

  ApplierTest() throws IOException {}

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  private static boolean ours(HasMetadata object) {
    return "demo".equals(object.getMetadata().getNamespace());
  }

  private static boolean foreign(HasMetadata object) {
    return !ours(object);
  }

  private static Service service(String role) {
    return new ServiceBuilder()
        .withNewMetadata()
        .withName("shop-ro")
        .withNamespace("demo")
        .withLabels(Map.of("outrider.dev/cluster", "shop"))
        .endMetadata()
        .withNewSpec()
        .withSelector(Map.of("outrider.dev/role", role))
        .addNewPort()
        .withName("postgres")
        .withPort(5432)
        .withTargetPort(new IntOrString("postgres"))
        .endPort()
        .endSpec()
        .build();
  }

  private Service actual() {
    return client.services().inNamespace("demo").withName("shop-ro").get();
  }

  @Test
  void writesOnce() {
    // When
    Service made = applier.apply(service("replica"), null, ApplierTest::ours);
    for (int i = 0; i < 5; i++) {
      applier.apply(service("replica"), actual(), ApplierTest::ours);
    }

    // Then
    assertEquals("10.96.0.7", made.getSpec().getClusterIP());
    assertEquals(1, server.writes().size(), () -> server.writes().toString());
    String write = server.writes().getFirst();
    assertTrue(write.startsWith("PATCH " + PATH + "?"), write);
    assertTrue(write.contains("fieldManager=outrider-operator"), write);
    assertTrue(write.contains("force=true"), write);
    assertTrue(write.contains("application/apply-patch+yaml"), write);
  }

  @Test
  void writesAgainWhenSomethingElseIsWanted() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);

    // When
    applier.apply(service("primary"), actual(), ApplierTest::ours);

    // Then
    assertEquals(2, server.writes().size());
    assertEquals("primary", actual().getSpec().getSelector().get("outrider.dev/role"));
  }

  @Test
  void putsBackWhatSomebodyEdited() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    server.get(PATH).withObject("/spec/selector").put("outrider.dev/role", "primary");

    // When
    applier.apply(service("replica"), actual(), ApplierTest::ours);
    applier.apply(service("replica"), actual(), ApplierTest::ours);

    // Then
    assertEquals(2, server.writes().size());
    assertEquals("replica", actual().getSpec().getSelector().get("outrider.dev/role"));
  }

  @Test
  void putsBackWhatSomebodyTookAway() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    server.get(PATH).withObject("/metadata/labels").remove("outrider.dev/cluster");

    // When
    applier.apply(service("replica"), actual(), ApplierTest::ours);

    // Then
    assertEquals("shop", actual().getMetadata().getLabels().get("outrider.dev/cluster"));
  }

  @Test
  void putsBackAListThatSomebodyMadeLonger() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    server.get(PATH).withObject("/spec").withArray("ports").addObject().put("port", 1);

    // When
    applier.apply(service("replica"), actual(), ApplierTest::ours);

    // Then
    assertEquals(2, server.writes().size());
  }

  @Test
  void doesNotMindWhatOthersAdd() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    server.get(PATH).withObject("/metadata/annotations").put("example.com/added", "by another");
    server.get(PATH).withObject("/metadata/labels").put("team", "orders");
    server.get(PATH).withObject("/metadata").put("resourceVersion", "999");
    server.get(PATH).withObject("/spec").put("externalName", "x");
    ((com.fasterxml.jackson.databind.node.ObjectNode)
            server.get(PATH).withObject("/spec").withArray("ports").get(0))
        .put("nodePort", 30_007);

    // When
    Service actual = applier.apply(service("replica"), actual(), ApplierTest::ours);

    // Then
    assertEquals(1, server.writes().size());
    assertEquals("by another", actual.getMetadata().getAnnotations().get("example.com/added"));
  }

  @Test
  void neverTouchesAForeignObject() throws IOException {
    // Given
    server.put(PATH, "{apiVersion: v1, kind: Service, metadata: {name: shop-ro, namespace: demo}}");

    // When: it is in no cache, since it has not our label
    ForeignObjectException unseen =
        assertThrows(
            ForeignObjectException.class,
            () -> applier.apply(service("replica"), null, ApplierTest::foreign));
    Service seen = actual();
    assertThrows(
        ForeignObjectException.class,
        () -> applier.apply(service("replica"), seen, ApplierTest::foreign));

    // Then
    assertEquals(0, server.writes().size());
    assertTrue(String.valueOf(unseen.getMessage()).startsWith("Service shop-ro exists"));
  }

  @Test
  void anObjectThatBecameForeignIsLeftAlone() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);

    // When
    assertThrows(
        ForeignObjectException.class,
        () -> applier.apply(service("replica"), actual(), ApplierTest::foreign));

    // Then
    assertEquals(1, server.writes().size());
  }

  @Test
  void makesAgainWhatWasDeleted() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    server.delete(PATH);

    // When
    applier.apply(service("replica"), null, ApplierTest::ours);

    // Then
    assertEquals(2, server.writes().size());
    assertNotNull(actual());
  }

  @Test
  void aNewOperatorAppliesOnceAndNoMore() {
    // Given
    applier.apply(service("replica"), null, ApplierTest::ours);
    Applier restarted = new Applier(client);

    // When
    restarted.apply(service("replica"), actual(), ApplierTest::ours);
    restarted.apply(service("replica"), actual(), ApplierTest::ours);

    // Then
    assertEquals(2, server.writes().size());
  }

  @Test
  void theServersNormalFormIsNoDifference() {
    // Given
    PersistentVolumeClaim desired =
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName("data-shop-0")
            .withNamespace("demo")
            .endMetadata()
            .withNewSpec()
            .withNewResources()
            .addToRequests("storage", new Quantity("1024Mi"))
            .endResources()
            .endSpec()
            .build();

    // When
    PersistentVolumeClaim made = applier.apply(desired, null, ApplierTest::ours);
    applier.apply(
        desired,
        client.persistentVolumeClaims().inNamespace("demo").withName("data-shop-0").get(),
        ApplierTest::ours);

    // Then
    assertEquals(
        "1Gi",
        made.getSpec()
            .getResources()
            .getRequests()
            .getOrDefault("storage", new Quantity("0"))
            .toString());
    assertEquals(1, server.writes().size());
  }
}
