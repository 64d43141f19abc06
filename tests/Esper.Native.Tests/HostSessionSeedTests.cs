using Esper.Contracts;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>Seeds of a host session: their life, telemetry and probe.</summary>
public sealed class HostSessionSeedTests
{
    [Fact]
    public void A_dormant_seed_has_its_channels_and_no_module()
    {
        using HostSession session = SmallClassifier.Session();
        (LatticeSeed description, bool hasModule) = session.ReadSeed(SmallClassifier.Second);
        Assert.False(hasModule);
        Assert.Equal((4, 4), (description.ChannelBegin, description.ChannelCount));
        Assert.Equal(SeedStage.Dormant, description.Stage);
    }

    [Fact]
    public void Germination_keeps_the_function_and_release_takes_the_parameters()
    {
        using HostSession session = SmallClassifier.Session();
        double before = session.Evaluate(SmallClassifier.Inputs).Loss;
        SmallClassifier.Germinate(session, SmallClassifier.Second, SeedStage.Blending, 1);
        SmallClassifier.Germinate(session, SmallClassifier.First, SeedStage.Germinated, 0);
        Assert.Equal(before, session.Evaluate(SmallClassifier.Inputs).Loss);

        // The arena is in seed order, whatever the order of germination.
        (LatticeSeed second, bool hasModule) = session.ReadSeed(SmallClassifier.Second);
        Assert.True(hasModule);
        Assert.Equal((SeedStage.Blending, 1f, 3), (second.Stage, second.Alpha, second.Rank));
        Assert.Equal(second.ParameterCount(4), second.ParameterOffset);
        Assert.Equal(2 * second.ParameterCount(4), Arena(session).ElementCount);

        session.Release(SmallClassifier.First);
        Assert.Equal(0, session.ReadSeed(SmallClassifier.Second).Description.ParameterOffset);
        session.Release(SmallClassifier.Second);
        Assert.Equal(0, Arena(session).ElementCount);
        Assert.Empty(SmallClassifier.Read(session, "arena/0"));
        Assert.False(session.ReadSeed(SmallClassifier.Second).HasModule);
        Assert.Equal(before, session.Evaluate(SmallClassifier.Inputs).Loss);
    }

    [Fact]
    public void A_training_seed_learns_without_moving_the_host()
    {
        using HostSession grown = SmallClassifier.Session(), plain = SmallClassifier.Session();
        SmallClassifier.Germinate(grown, SmallClassifier.First, SeedStage.Training, 0);
        byte[] initial = SmallClassifier.Read(grown, "arena/0");
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(
                plain.TrainStep(SmallClassifier.Inputs, 0.1f).Loss, grown.TrainStep(SmallClassifier.Inputs, 0.1f).Loss);
        }

        Assert.NotEqual(initial, SmallClassifier.Read(grown, "arena/0"));
        Assert.Equal(SmallClassifier.Read(plain, "param/hidden.weight"), SmallClassifier.Read(grown, "param/hidden.weight"));
    }

    [Fact]
    public void Update_changes_alpha_but_not_the_architecture()
    {
        using HostSession session = SmallClassifier.Session();
        SmallClassifier.Germinate(session, SmallClassifier.First, SeedStage.Training, 0);
        session.TrainStep(SmallClassifier.Inputs, 0.5f);
        double before = session.Evaluate(SmallClassifier.Inputs).Loss;
        session.Update(SmallClassifier.First, SmallClassifier.Seed(SeedStage.Holding, 1) with { Frozen = true, Kappa = 0.5f });
        LatticeSeed now = session.ReadSeed(SmallClassifier.First).Description;
        Assert.Equal((SeedStage.Holding, 1f, true, 0.5f), (now.Stage, now.Alpha, now.Frozen, now.Kappa));
        Assert.NotEqual(before, session.Evaluate(SmallClassifier.Inputs).Loss);
        Refused(() => session.Update(SmallClassifier.First, now with { Rank = 5 }));
        Refused(() => session.Update(SmallClassifier.Second, now));
    }

    [Fact]
    public void Misuse_is_refused()
    {
        using HostSession session = SmallClassifier.Session();
        SmallClassifier.Germinate(session, SmallClassifier.First, SeedStage.Training, 0);
        LatticeSeed seed = SmallClassifier.Seed(SeedStage.Training, 0);
        Refused(() => session.Germinate(SmallClassifier.First, seed, seed.InitialParameters(4, 1)));
        Refused(() => session.Germinate(SmallClassifier.Second, seed, new float[3]));
        Refused(() => session.Release(SmallClassifier.Second));
        Refused(() => session.ReadSeed(new SeedId(0, 2)));
        Refused(() => session.ReadSeed(new SeedId(1, 0)));
        Refused(() => session.ReadTelemetry(1));
        Refused(() => session.ReadProbe(1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Telemetry_sees_the_modules_that_ran(bool producer)
    {
        using HostSession session = SmallClassifier.Session(producer: producer);
        SmallClassifier.Germinate(session, SmallClassifier.Second, SeedStage.Blending, 0.5f);
        session.TrainStep(SmallClassifier.Inputs, 0.1f);
        session.TrainStep(SmallClassifier.Inputs, 0.1f, telemetry: true);
        SeedTelemetry[] telemetry = session.ReadTelemetry(0);
        Assert.Equal(2, telemetry.Length);
        Assert.False(telemetry[0].Evaluated);
        SeedTelemetry seen = telemetry[1];
        Assert.True(seen.Evaluated);
        Assert.True(seen.InputRms > 0 && seen.ModuleRms > 0 && seen.UpstreamRms > 0);
        Assert.True(seen.ParameterRms > 0 && seen.ParameterGradientRms > 0);
        Assert.InRange(seen.Alignment, -1, 1);
        Assert.Equal(producer, seen.HostGradientRms > 0);
        Assert.Equal(producer, seen.HostParameterRms is not null);

        // The mean square is the variance and the squared mean; gelu has slope everywhere but at one point.
        Assert.Equal(seen.ModuleRms * seen.ModuleRms, seen.ModuleVariance + (seen.ModuleMean * seen.ModuleMean), 1e-9);
        Assert.True(seen.ModuleVariance > 0 && seen.ModuleMean != 0);
        Assert.Equal(0, seen.DeadFraction);
    }

    [Fact]
    public void Probe_of_equal_halves_has_equal_squares()
    {
        using HostSession session = SmallClassifier.Session();
        session.ProbeBegin();
        session.ProbeBatch(SmallClassifier.Inputs, 0);
        Refused(() => session.ReadProbe(0));
        session.ProbeBatch(SmallClassifier.Inputs, 1);
        SeedProbe[] probes = session.ReadProbe(0);
        Assert.Equal(2, probes.Length);
        Assert.All(probes, probe =>
        {
            Assert.True(probe.Cross > 0 && probe.InputSquare > 0);
            Assert.Equal(probe.SquareA, probe.SquareB);
            Assert.Equal(probe.SquareA, probe.Cross, probe.SquareA * 1e-6);
        });
        Refused(() => session.ProbeBatch(SmallClassifier.Inputs, 2));
    }

    private static StateTensor Arena(HostSession session) => session.State().Single(tensor => tensor.Name == "arena/0");

    private static void Refused(Action call) =>
        Assert.Equal(NativeStatus.InvalidArgument, Assert.Throws<NativeException>(call).Status);
}
