package dev.outrider.operator;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.ThreadLocalRandom;

/** Who may know whom (design, "The modules"). */
@AnalyzeClasses(
    packages = "dev.outrider.operator",
    importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  private static final String MODEL = "dev.outrider.operator.model..";

  @ArchTest
  static final ArchRule ofTheAgentsOnlyTheirConfiguration =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAPackage("dev.outrider..")
                  .and(
                      DescribedPredicate.not(
                          resideInAnyPackage(
                              "dev.outrider.operator..", "dev.outrider.agents.config"))))
          .because("the operator writes an agent's configuration and knows nothing else of it");

  @ArchTest
  static final ArchRule theModelTalksToNobody =
      noClasses()
          .that()
          .resideInAPackage(MODEL)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                      "io.fabric8.kubernetes.client..", "io.javaoperatorsdk..", "org.slf4j..")
                  .and(DescribedPredicate.not(name(KubernetesSerialization.class.getName()))))
          .because("the model is spec and facts in, objects out");

  @ArchTest
  static final ArchRule theModelReadsNoFileAndNoNetwork =
      noClasses()
          .that()
          .resideInAPackage(MODEL)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("java.net..", "java.nio.channels..")
                  .or(name("java.nio.file.Files"))
                  .or(
                      new DescribedPredicate<>("java.io but for reading a resource") {
                        @Override
                        public boolean test(JavaClass type) {
                          return type.getPackageName().equals("java.io")
                              && !(type.getSimpleName().equals("InputStream")
                                  || type.getSimpleName().equals("InputStreamReader")
                                  || type.getSimpleName().equals("BufferedReader")
                                  || type.getSimpleName().equals("Reader")
                                  || type.getSimpleName().endsWith("Exception")
                                  || type.getSimpleName().equals("Serializable"));
                        }
                      }));

  @ArchTest
  static final ArchRule timeAndRandomnessArePassedIn =
      noClasses()
          .that()
          .resideInAnyPackage(MODEL, "dev.outrider.operator.pki..", "dev.outrider.operator.api..")
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "getenv")
          .orShould()
          .callMethod(InstantSource.class, "system")
          .orShould()
          .callMethod(Clock.class, "systemUTC")
          .orShould()
          .callMethod(Math.class, "random")
          .orShould()
          .callConstructor(SecureRandom.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(ThreadLocalRandom.class)
          .because("tests need no sleep and no luck");

  @ArchTest
  static final ArchRule theApiDependsOnNothingOfOurs =
      classes()
          .that()
          .resideInAPackage("dev.outrider.operator.api..")
          .should()
          .onlyDependOnClassesThat(
              DescribedPredicate.not(resideInAPackage("dev.outrider.."))
                  .or(resideInAPackage("dev.outrider.operator.api..")));

  @ArchTest
  static final ArchRule packagesAreFreeOfCycles =
      slices()
          .assignedFrom(
              new SliceAssignment() {
                @Override
                public String getDescription() {
                  return "each package, also that of Main";
                }

                @Override
                public SliceIdentifier getIdentifierOf(JavaClass type) {
                  return type.getPackageName().startsWith("dev.outrider.operator")
                      ? SliceIdentifier.of(type.getPackageName())
                      : SliceIdentifier.ignore();
                }
              })
          .should()
          .beFreeOfCycles();

  private ArchitectureTest() {}
}
