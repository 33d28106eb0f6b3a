/* What a camera sees: an own rasteriser. Each body is ray cast within the rectangle that it can cover, against a
 * depth buffer, so curved limbs have exact outlines and every pixel knows which part it shows.
 *
 * What makes a person recognise the scene (tried): the neck and trunk hulls that the plant adds, the shadow and the
 * contact blob on the floor, garments in different colours, the checker floor with its skirting, and a
 * one-pixel outline for each garment. Light changes the picture: brightness follows the scene's lux, without automatic
 * exposure; the sensor's noise grows as light falls.
 *
 * Repeatable to the bit for the same scene, camera and frame number on one build. A Renderer is used by one thread
 * at a time. Bodies marked `fixed` are drawn once, at the first call.
 *
 *	g_autoptr(Renderer) renderer = renderer_new(&camera);
 *	renderer_draw(renderer, &scene, frame_number, led);
 *	const uint8_t *rgb = renderer_rgb(renderer);
 */
#ifndef ANZEN_WORLD_RENDER_H
#define ANZEN_WORLD_RENDER_H

#include <glib.h>

#include "scene.h"

G_BEGIN_DECLS

typedef struct Renderer Renderer;

/* NULL when the camera's size is not 16..4096 a side and even, or looks straight up or down. */
Renderer *renderer_new(const SceneCamera *camera);
void renderer_free(Renderer *renderer); /* takes NULL */

/* Draw picture number `frame` (it seeds the noise). led 0..1: the node's lamp, a small light in the lower right corner
 * of the view; negative: no lamp there. */
void renderer_draw(Renderer *renderer, const Scene *scene, uint64_t frame, double led);

/* Of the last drawing, made when first asked for; owned by the renderer, valid until the next drawing. width * height * 3,
 * and width * height. */
const uint8_t *renderer_rgb(Renderer *renderer);
const uint8_t *renderer_gray(Renderer *renderer); /* BT.601 luma, full range */
/* Ground truth: the ScenePart that each pixel shows. */
const uint8_t *renderer_parts(const Renderer *renderer);

/* The middle of the node's lamp in the picture and its radius, pixels. */
void renderer_led_place(const SceneCamera *camera, int *ret_x, int *ret_y, int *ret_radius);

/* The positive-control card: 5 x 5 cells, row 0 at the top, 1 is white; a black margin of one cell is around them. */
#define RENDER_CARD_CELLS 5
extern const uint8_t render_card[RENDER_CARD_CELLS][RENDER_CARD_CELLS];

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Renderer, renderer_free)

G_END_DECLS

#endif
