using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>What the managed contracts state a second time is what the native side does.</summary>
public sealed class ContractAgreementTests
{
    [Fact]
    public void Every_pair_of_stages_is_allowed_or_forbidden_on_both_sides()
    {
        Assert.Equal(EsperConstants.StageCount, SeedStages.Count);
        int allowed = 0;
        foreach (SeedStage from in SeedStages.All)
        {
            foreach (SeedStage to in SeedStages.All)
            {
                bool managed = SeedStages.Allows(from, to);
                Assert.True(managed == NativeInfo.TransitionAllowed(from, to), $"{from} -> {to}");
                allowed += managed ? 1 : 0;
            }
        }

        // 5 steps up, 4 ways into Culled, 3 steps back to Dormant.
        Assert.Equal(12, allowed);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(9, 0)]
    [InlineData(0, 9)]
    public void Values_that_are_no_stages_have_no_transitions(int from, int to) =>
        Assert.False(NativeInfo.TransitionAllowed((SeedStage)from, (SeedStage)to));

    [Fact]
    public void Stages_have_the_same_names()
    {
        Assert.All(SeedStages.All, stage => Assert.Equal(stage.ToString(), NativeInfo.StageName(stage)));
        Assert.Equal("unknown", NativeInfo.StageName((SeedStage)9));
    }

    [Fact]
    public void Enumerations_have_the_numbers_of_the_headers()
    {
        AssertSame<SeedStage, EsperStage>();
        AssertSame<BlueprintFamily, EsperFamily>();
        AssertSame<BlueprintActivation, EsperActivation>();
        AssertSame<BlendMode, EsperBlend>();
        AssertSame<CpuIsa, EsperIsa>();
        AssertSame<TensorLayout, EsperLayout>();
        AssertSame<HostDType, EsperHostDtype>();
        AssertSame<HostRole, EsperHostRole>();
        AssertSame<HostDevice, EsperHostDevice>();
        AssertSame<OptimizerKind, EsperHostOptimizer>();
        AssertSame<OptimizerKind, EsperOptimizer>();
        AssertSame<CudaDType, EsperDtype>();
        AssertSame<NativeStatus, EsperStatusCode>();
    }

    [Fact]
    public void Instruction_sets_have_names()
    {
        Assert.Equal(
            ["scalar", "avx2", "avx512"],
            new[] { CpuIsa.Scalar, CpuIsa.Avx2, CpuIsa.Avx512 }.Select(NativeInfo.IsaName));
        Assert.Equal("unknown", NativeInfo.IsaName((CpuIsa)17));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1023)]
    public void Every_blueprint_has_the_same_number_of_parameters_on_both_sides(int channels)
    {
        foreach (BlueprintFamily family in Enum.GetValues<BlueprintFamily>())
        {
            foreach (BlendMode blend in Enum.GetValues<BlendMode>())
            {
                foreach (int size in Sizes(family))
                {
                    bool depthwise = family == BlueprintFamily.Depthwise;
                    Blueprint blueprint = new(family, depthwise ? 0 : size, BlueprintActivation.Gelu, blend, depthwise ? size : 0);
                    LatticeSeed seed = LatticeSeed.For(blueprint, SeedStage.Training, 0);
                    Assert.True(
                        blueprint.ParameterCount(channels) == seed.ParameterCount(channels),
                        $"{blueprint} over {channels} channels");
                }
            }
        }
    }

    private static int[] Sizes(BlueprintFamily family) => family switch
    {
        BlueprintFamily.Affine => [0],
        BlueprintFamily.Depthwise => [3, 5, 7],
        _ => [1, 3, 4096],
    };

    /// <summary>Compares name by name, ignoring case and the word "Error"; neither side may have more.</summary>
    private static void AssertSame<TManaged, TNative>()
        where TManaged : struct, Enum
        where TNative : struct, Enum
    {
        Assert.Equal(Numbers<TNative>(), Numbers<TManaged>());
    }

    private static SortedDictionary<string, int> Numbers<T>()
        where T : struct, Enum
    {
        SortedDictionary<string, int> numbers = new(StringComparer.Ordinal);
        foreach (T value in Enum.GetValues<T>())
        {
            string name = value.ToString().ToUpperInvariant();
            numbers.Add(
                name.StartsWith("ERROR", StringComparison.Ordinal) ? name["ERROR".Length..] : name,
                Convert.ToInt32(value));
        }

        return numbers;
    }
}
