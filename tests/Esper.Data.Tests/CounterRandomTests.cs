namespace Esper.Data.Tests;

public sealed class CounterRandomTests
{
    /// <summary>Published first outputs of SplitMix64 for the seed 1234567.</summary>
    [Fact]
    public void Sequence_is_SplitMix64()
    {
        CounterRandom random = new(1234567UL);
        ulong[] drawn = [random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits()];
        Assert.Equal(
            [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821], drawn);
    }

    [Fact]
    public void Each_part_of_the_key_changes_the_sequence()
    {
        ulong[] drawn =
        [
            First(new(1, RandomStream.Order, 2, 3)), First(new(2, RandomStream.Order, 2, 3)),
            First(new(1, RandomStream.Split, 2, 3)), First(new(1, RandomStream.Order, 3, 3)),
            First(new(1, RandomStream.Order, 2, 4)), First(new(1, RandomStream.Order, 3, 2)),
        ];
        Assert.Equal(drawn.Length, drawn.Distinct().Count());
        Assert.Equal(drawn[0], First(new(1, RandomStream.Order, 2, 3)));

        static ulong First(CounterRandom random) => random.NextBits();
    }

    [Fact]
    public void Integers_and_fractions_stay_in_range_and_reach_all_of_it()
    {
        CounterRandom random = new(5, RandomStream.Order);
        int[] counts = new int[7];
        for (int i = 0; i < 7000; i++)
        {
            counts[random.NextInteger(7)]++;
            Assert.InRange(random.NextSingle(), 0f, 0.99999995f);
            Assert.InRange(random.NextSingle(-3, 2), -3f, 2f);
        }

        // Standard deviation of a count is 29: 200 is seven of them.
        Assert.All(counts, count => Assert.InRange(count, 800, 1200));
    }

    [Fact]
    public void Shuffle_is_uniform_over_permutations()
    {
        Dictionary<string, int> counts = [];
        for (int i = 0; i < 6000; i++)
        {
            int[] values = [0, 1, 2];
            new CounterRandom(i, RandomStream.Order).Shuffle(values);
            string key = string.Join(",", values);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        Assert.Equal(6, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 800, 1200));
    }
}
