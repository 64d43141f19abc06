using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>The seed state store through the managed API.</summary>
public sealed class SeedStateStoreTests
{
    [Fact]
    public void A_new_store_is_dormant_and_small()
    {
        using SeedStateStore store = new(1000);
        Assert.Equal(1000, store.Count);
        Assert.InRange(store.Bytes, 1, 32 * 1000);
        Assert.Equal(default, store.Read(999));
        store.Verify();
    }

    [Fact]
    public void A_whole_life_round()
    {
        using SeedStateStore store = new(3);
        store.Transition(1, SeedStage.Germinated);
        store.Assign(1, blueprint: 7, embargo: 2, flags: 5);
        store.EndEpoch();
        store.Transition(1, SeedStage.Training);
        store.Transition(1, SeedStage.Blending);
        store.SetAlpha(1, 0.25f);
        store.EndEpoch();
        Assert.Equal(new SeedState(SeedStage.Blending, 0.25f, Age: 1, Embargo: 2, Blueprint: 7, Transitions: 3, Flags: 5), store.Read(1));
        Assert.Equal(2u, store.Read(0).Age);
        store.Transition(1, SeedStage.Culled);
        store.Transition(1, SeedStage.Embargoed);
        store.EndEpoch();
        Assert.Equal(1u, store.Read(1).Embargo);
        store.Transition(1, SeedStage.Resetting);
        store.Transition(1, SeedStage.Dormant);
        Assert.Equal(default(SeedState) with { Transitions = 7 }, store.Read(1));
        store.Verify();
    }

    [Fact]
    public void Select_is_ascending_and_takes_several_stages()
    {
        using SeedStateStore store = new(5);
        store.Transition(4, SeedStage.Germinated);
        store.Transition(2, SeedStage.Germinated);
        store.Transition(2, SeedStage.Training);
        Assert.Equal([2, 4], store.Select(SeedStage.Training, SeedStage.Germinated));
        Assert.Equal([4], store.Select(SeedStage.Germinated));
        Assert.Empty(store.Select(SeedStage.Fossilized));
        Assert.Empty(store.Select());
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Select((SeedStage)9));
    }

    [Fact]
    public void Restore_brings_a_row_back_as_it_was()
    {
        SeedState saved = new(SeedStage.Holding, 0.5f, 9, 0, 3, 4, 1);
        using SeedStateStore store = new(2);
        store.Restore(1, saved);
        Assert.Equal(saved, store.Read(1));
        store.Verify();
        NativeException failure = Assert.Throws<NativeException>(() => store.Restore(0, saved with { Alpha = 2 }));
        Assert.Equal(NativeStatus.InvalidArgument, failure.Status);
        Assert.Equal(default, store.Read(0));
    }

    [Theory]
    [InlineData(-0.1f)]
    [InlineData(1.1f)]
    [InlineData(float.NaN)]
    public void Alpha_outside_its_range_is_refused(float alpha)
    {
        using SeedStateStore store = new(1);
        Assert.Equal(NativeStatus.InvalidArgument, Assert.Throws<NativeException>(() => store.SetAlpha(0, alpha)).Status);
    }
}
