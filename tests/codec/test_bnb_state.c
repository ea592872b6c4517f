// The quant_state of bitsandbytes: what is read, and what is refused.

#include "codec/bnb_state.h"
#include "bnb.h"

// Parses text from a block of exactly its size.
static qq_status parse_bytes(const void *text, size_t n, qq_bnb_weight *w)
{
    void *copy = bnb_alloc(n);

    memcpy(copy, text, n);
    const qq_status status = qq_bnb_state_parse(copy, n, w);
    bnb_free(copy);
    return status;
}

static qq_status parse(const char *text, qq_bnb_weight *w)
{
    return parse_bytes(text, strlen(text), w);
}

#define PLAIN                                                                  \
    "\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"float16\", "     \
    "\"shape\": [3, 64]"
#define NESTED                                                                 \
    "\"nested_blocksize\": 256, \"nested_dtype\": \"float32\", "               \
    "\"nested_offset\": 4.008502006530762"

static const char whole[] = "{" PLAIN ", " NESTED "}";

static void test_good(void)
{
    qq_bnb_weight w;

    CHECK(parse("{" PLAIN "}", &w) == QQ_OK);
    CHECK(w.type == QQ_TYPE_NF4 && w.dtype == QQ_TYPE_F16);
    CHECK(w.block_size == 64 && w.nested_block_size == 0);
    CHECK(w.rank == 2 && w.shape[0] == 3 && w.shape[1] == 64);
    CHECK(w.packed.type == QQ_TYPE_NONE && w.packed.data == NULL);
    CHECK(parse(whole, &w) == QQ_OK);
    CHECK(w.nested_block_size == 256);
    CHECK(check_bits(w.nested_offset) == check_bits(4.008502006530762f));

    // Any order and blanks, members we do not know, the other types.
    CHECK(parse(" {\n\t\"shape\" :[ ] ,\r\"dtype\":\"bfloat16\",\"x\":"
                "{\"a\":[1,-2.5e+3,null,true,false,{}],\"\\u00e9\\n\":\"\"},"
                "\"blocksize\" : 4096 , \"quant_type\":\"fp4\" } \n",
                &w) == QQ_OK);
    CHECK(w.type == QQ_TYPE_BNB_FP4 && w.dtype == QQ_TYPE_BF16);
    CHECK(w.rank == 0 && w.block_size == 4096);
    CHECK(parse("{" PLAIN ",\"nested_blocksize\":1,\"nested_offset\":-1e-45}",
                &w) == QQ_OK);
    CHECK(check_bits(w.nested_offset) == 0x80000001u);
    CHECK(parse("{" PLAIN ",\"nested_blocksize\":1,\"nested_offset\":0}", &w) ==
          QQ_OK);
    CHECK(check_bits(w.nested_offset) == 0);
}

static void test_bad(void)
{
    static const struct {
        const char *text;
        qq_status status;
    } bad[] = {
        {"", QQ_ERR_FORMAT},
        {"{}", QQ_ERR_FORMAT},
        {"[]", QQ_ERR_FORMAT},
        {"{" PLAIN "} x", QQ_ERR_FORMAT},
        {"{" PLAIN "}}", QQ_ERR_FORMAT},
        {"{" PLAIN ",}", QQ_ERR_FORMAT},
        {"{," PLAIN "}", QQ_ERR_FORMAT},
        {"{" PLAIN "," PLAIN "}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\"}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":}", QQ_ERR_FORMAT},
        {"{" PLAIN ",x:1}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":01}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":1.}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":.5}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":1e}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":+1}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":nul}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":NaN}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":\"\\x\"}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":\"\\u12g4\"}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":\"\n\"}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":[1,]}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":[1 2]}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":{1:2}}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":[}}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"x\":[[[[[[[[[]]]]]]]]]}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_blocksize\":256}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_offset\":1}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_dtype\":\"float32\"}", QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_blocksize\":1,\"nested_offset\":1e39}",
         QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_blocksize\":1,\"nested_offset\":\"1\"}",
         QQ_ERR_FORMAT},
        {"{" PLAIN ",\"nested_blocksize\":0,\"nested_offset\":1}",
         QQ_ERR_ARGUMENT},
        {"{" PLAIN ",\"nested_dtype\":\"float16\"}", QQ_ERR_TYPE},
        {"{\"quant_type\":\"int4\"}", QQ_ERR_TYPE},
        {"{\"quant_type\":\"nf44\"}", QQ_ERR_TYPE},
        {"{\"quant_type\":\"nf\"}", QQ_ERR_TYPE},
        {"{\"quant_type\":4}", QQ_ERR_FORMAT},
        {"{\"dtype\":\"float64\"}", QQ_ERR_TYPE},
        {"{\"blocksize\":100}", QQ_ERR_ARGUMENT},
        {"{\"blocksize\":64.0}", QQ_ERR_FORMAT},
        {"{\"blocksize\":6.4e1}", QQ_ERR_FORMAT},
        {"{\"blocksize\":-64}", QQ_ERR_FORMAT},
        {"{\"blocksize\":\"64\"}", QQ_ERR_FORMAT},
        {"{\"blocksize\":99999999999999999999999}", QQ_ERR_FORMAT},
        {"{\"shape\":[1,2,3,4,5,6,7,8,9]}", QQ_ERR_SHAPE},
        {"{\"shape\":[4294967296,4294967296,4294967296]}", QQ_ERR_SHAPE},
        {"{\"shape\":64}", QQ_ERR_FORMAT},
        {"{\"shape\":[64,]}", QQ_ERR_FORMAT},
        {"{\"shape\":[64", QQ_ERR_FORMAT},
    };
    qq_bnb_weight w, same;

    memset(&w, 0x5a, sizeof w);
    memcpy(&same, &w, sizeof w);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const qq_status status = parse(bad[i].text, &w);
        // Where a size has 32 bits a number of the shape is already too large.
        if (!CHECK(status == bad[i].status ||
                   (sizeof(size_t) == 4 && bad[i].status == QQ_ERR_SHAPE &&
                    status == QQ_ERR_FORMAT)))
            printf("  %s: %d\n", bad[i].text, (int)status);
    }
    CHECK(qq_bnb_state_parse(NULL, 1, &w) == QQ_ERR_ARGUMENT);
    CHECK(qq_bnb_state_parse(NULL, 0, &w) == QQ_ERR_FORMAT);
    CHECK(parse_bytes("{" PLAIN "}", sizeof("{" PLAIN "}"), &w) ==
          QQ_ERR_FORMAT); // a NUL behind
    CHECK(memcmp(&w, &same, sizeof w) == 0);
    CHECK(qq_bnb_state_parse("{}", 2, NULL) == QQ_ERR_ARGUMENT);
}

// Every beginning of a good text is bad, and no change of a byte goes beyond
// the text.
static void test_mutations(void)
{
    const size_t n = sizeof whole - 1;
    char text[sizeof whole];
    qq_bnb_weight w;

    for (size_t i = 0; i < n; i++)
        CHECK(parse_bytes(whole, i, &w) != QQ_OK);
    for (size_t i = 0; i < check_count(50000); i++) {
        memcpy(text, whole, sizeof whole);
        const size_t at = check_u32() % n;
        static const char marks[] = "{}[]\",:\\0e.-tfn ";
        text[at] = check_u32() % 2 ? (char)(check_u32() & 255)
                                   : marks[check_u32() % (sizeof marks - 1)];
        const qq_status status = parse_bytes(text, n, &w);
        if (status == QQ_OK)
            CHECK(w.rank <= QQ_MAX_RANK && w.block_size >= 32);
        else
            CHECK(status == QQ_ERR_FORMAT || status == QQ_ERR_TYPE ||
                  status == QQ_ERR_ARGUMENT || status == QQ_ERR_SHAPE);
    }
}

int main(void)
{
    test_good();
    test_bad();
    test_mutations();
    return check_done();
}
